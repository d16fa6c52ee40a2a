"""Prints what botocore's parser finds in each of many files: [{section: {key: value}}, or null for an invalid file].

usage: sections.py <PATHS (a JSON array)
"""

import json
import sys

from botocore.configloader import raw_config_parse


def sections(path):
    try:
        return raw_config_parse(path, parse_subsections=False)
    except Exception:  # every failure is an answer
        return None


json.dump([sections(path) for path in json.load(sys.stdin)], sys.stdout)
