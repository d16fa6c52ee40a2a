"""Prints what botocore's parser finds in each of many files: [{section: {key: value}} or null if it cannot be read].

usage: sections.py <PATHS
"""

import json
import sys

from botocore.configloader import raw_config_parse


def sections(path):
    try:
        return raw_config_parse(path, parse_subsections=False)
    except Exception:  # any way to fail is an answer
        return None


json.dump([sections(path) for path in json.load(sys.stdin)], sys.stdout)
