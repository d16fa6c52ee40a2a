//! The simulator as a program: it loads a world from a file or from flags, prints its endpoint, and reads commands
//! from stdin.

mod arguments;
mod console;
mod demo;
mod endpoint;
mod world_file;

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use fake_aws::FakeAws;

use arguments::Arguments;
use endpoint::Endpoint;

const USAGE: &str = "\
usage: fake-aws [--port PORT] [--region REGION] [--world FILE] [--ca-file FILE]
                [--demo-user NAME --account ID --seed-file FILE --credentials-file FILE --config-file FILE
                 [--profile NAME] [--bucket NAME]]

Prints `endpoint http://127.0.0.1:PORT`, then takes commands on stdin, each answered with one line.
Ends with `quit`, at the end of stdin, or when it is killed.

  --world FILE          JSON: accounts, users, keys, MFA devices, buckets
  --ca-file FILE        written: the certificate of an authority made for this run; must not exist.
                        The endpoint is then https://127.0.0.1:PORT, on another free port
  --demo-user NAME      a user with a new long-term key, an MFA device of the same name, and a bucket
  --seed-file FILE      the MFA device's secret in base32, on the first line that is not empty
  --credentials-file F  written: the long-term key; must not exist
  --config-file F       written: region, endpoint_url, ca_bundle and mfa_serial; must not exist

commands
  lie ACTION|any LIE[=VALUE] [TIMES|always]    once, if TIMES is left out
      drop-before drop-after internal-failure internal-failure-after service-unavailable throttling
      cut-body cut-xml empty-body drip flood html-bad-gateway html-portal html-nasty s3-shaped-refusals
      nanosecond-expiration
      latency=MILLISECONDS clock-off=SECONDS redirect=URL s3-shaped-error=CODE
  honest                                       takes back all lies
  clock +SECONDS|-SECONDS|0                    sets the clock's offset
  requests | clear                             the record of requests, as JSON; forgets it
  quit
";

fn main() -> ExitCode {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            let _ = out.write_all(USAGE.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            let _ = write!(err, "fake-aws: {message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match serve(&arguments, &mut io::stdin().lock(), &mut out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _ = writeln!(err, "fake-aws: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Executes commands until `quit` or the end of stdin.
fn serve(arguments: &Arguments, commands: &mut impl BufRead, out: &mut impl Write) -> Result<(), String> {
    let port = arguments.port;
    let aws = FakeAws::start_on(port).map_err(|error| format!("cannot listen on 127.0.0.1:{port}: {error}"))?;
    aws.set_region(arguments.region.as_deref());
    if let Some(path) = &arguments.world {
        world_file::load(path, &aws)?;
    }
    let endpoint = Endpoint::open(&aws, arguments.ca_file.as_deref())?;
    if let Some(demo) = &arguments.demo {
        demo::set_up(demo, &aws, &endpoint)?;
    }
    let talk = |error: io::Error| format!("cannot go on talking: {error}");
    writeln!(out, "endpoint {}", endpoint.url).and_then(|()| out.flush()).map_err(talk)?;
    for line in commands.lines() {
        let Some(answer) = console::obey(&line.map_err(talk)?, &aws) else {
            return Ok(());
        };
        writeln!(out, "{answer}").and_then(|()| out.flush()).map_err(talk)?;
    }
    Ok(())
}
