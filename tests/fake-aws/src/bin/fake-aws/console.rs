//! Commands on stdin: one line each, answered with one line.

use fake_aws::{Action, FakeAws, Lie, Times};

/// Executes a command and returns the line to print, or `None` after `quit`.
pub(crate) fn obey(line: &str, aws: &FakeAws) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let done = match words[..] {
        ["quit"] => return None,
        ["lie", action, lie] => order(aws, action, lie, "1"),
        ["lie", action, lie, times] => order(aws, action, lie, times),
        ["honest"] => {
            aws.honest();
            Ok("ok".to_owned())
        }
        ["clock", seconds] => seconds.parse().map_err(|_| format!("{seconds:?} is no whole number")).map(|seconds| {
            aws.set_clock_offset(seconds);
            "ok".to_owned()
        }),
        ["requests"] => {
            let requests: Vec<String> = aws.requests().iter().map(fake_aws::RecordedRequest::to_json).collect();
            Ok(format!("[{}]", requests.join(",")))
        }
        ["clear"] => {
            aws.clear_requests();
            Ok("ok".to_owned())
        }
        _ => Err("no such command; --help lists them".to_owned()),
    };
    Some(done.unwrap_or_else(|message| format!("error: {message}")))
}

fn order(aws: &FakeAws, action: &str, lie: &str, times: &str) -> Result<String, String> {
    let action = if action == "any" { None } else { Some(action.parse::<Action>()?) };
    let times = match times {
        "always" => Times::Always,
        count => Times::Next(count.parse().map_err(|_| format!("{count:?} is neither a number nor always"))?),
    };
    aws.lie(action, lie.parse::<Lie>()?, times);
    Ok("ok".to_owned())
}
