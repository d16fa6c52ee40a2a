// Prints what the parser of AWS's SDK for JavaScript finds in each of many credentials files; questions and answers are
// those of sections.py.
const path = require("node:path");
const { createRequire } = require("node:module");
// The packages are where `setup.sh` put them; the parser is in one that those need.
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
