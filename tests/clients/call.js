// Calls GetCallerIdentity once for each line on stdin, with AWS's SDK for JavaScript and the keys of $AWS_PROFILE.
// The answers are those of call.py. With `ini`, only the config files are searched for keys.
const path = require("node:path");
const { createInterface } = require("node:readline");
const { createRequire } = require("node:module");
// `setup.sh` installed the packages there.
const load = createRequire(path.join(process.argv[2], "package.json"));
const { fromIni } = load("@aws-sdk/credential-providers");
const { STSClient, GetCallerIdentityCommand } = load("@aws-sdk/client-sts");

async function main() {
    const sts = new STSClient(process.argv[3] === "ini" ? { credentials: fromIni() } : {});
    for await (const _ of createInterface({ input: process.stdin })) {
        let answer;
        try {
            const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
            const keys = await sts.config.credentials();
            answer = { arn: Arn, expires: keys.expiration.getTime() / 1000, account: keys.accountId ?? null };
        } catch (error) {
            answer = { error: `${error.name}: ${error.message}` };
        }
        console.log(JSON.stringify(answer));
    }
}

main();
