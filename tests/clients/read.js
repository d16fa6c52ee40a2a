// Prints the keys that AWS's SDK for JavaScript finds in each of many files. Jobs and answers are those of read.py.
const path = require("node:path");
const { createRequire } = require("node:module");
// `setup.sh` installed the packages there.
const load = createRequire(path.join(process.argv[2], "package.json"));
const { fromNodeProviderChain } = load("@aws-sdk/credential-providers");

async function read({ credentials, config, profile }) {
    try {
        const keys = await fromNodeProviderChain({
            profile, filepath: credentials, configFilepath: config, ignoreCache: true,
        })();
        return { id: keys.accessKeyId, secret: keys.secretAccessKey, token: keys.sessionToken ?? null };
    } catch (error) {
        return { error: `${error.name}: ${error.message}` };
    }
}

async function main() {
    let text = "";
    for await (const part of process.stdin) text += part;
    const answers = [];
    for (const job of JSON.parse(text)) answers.push(await read(job));
    console.log(JSON.stringify(answers));
}

main();
