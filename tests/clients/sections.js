// Prints what the parser of AWS's SDK for JavaScript finds in each of many credentials files. Input and output are
// those of sections.py.
const path = require("node:path");
const { createRequire } = require("node:module");
// `setup.sh` installed the packages there; the parser is in a dependency of one of them.
const packages = createRequire(path.join(process.argv[2], "package.json"));
const load = createRequire(packages.resolve("@aws-sdk/credential-providers"));
const { loadSharedConfigFiles } = load("@smithy/core/config");

async function main() {
    let text = "";
    for await (const part of process.stdin) text += part;
    const found = [];
    for (const filepath of JSON.parse(text)) {
        const files = await loadSharedConfigFiles({ filepath, configFilepath: "/dev/null", ignoreCache: true });
        found.push(files.credentialsFile);
    }
    console.log(JSON.stringify(found));
}

main();
