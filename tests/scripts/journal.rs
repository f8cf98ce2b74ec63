//! Standard error, brought to what must agree: level, message and fields of each line, without the
//! time; and places as they were on the machine of the recording.

/// Where the recordings were made.
const RECORDED_DIRECTORY: &str = "/home/user/load";
const RECORDED_PORT: u16 = 18_080;

/// k6's side.
pub fn recorded_lines(stderr: &str) -> Vec<String> {
    // Frames of its own Go functions: `\tat go.k6.io/… (native)\n`, escaped.
    let stderr = without_native_frames(stderr);
    // The program calls itself by its own name.
    let text =
        stderr.replace("for \"k6\"", "for \"ringload\"").replace("for \\\"k6\\\"", "for \\\"ringload\\\"");
    let text = text.replace("because k6 received", "because ringload received");
    text.lines().map(|line| without_count_of_errors(&without_instructions(&without_time(line)))).collect()
}

/// Ours, of a run in `directory` against `port`.
pub fn lines(stderr: &str, directory: &str, port: u16) -> Vec<String> {
    let text = stderr.replace(directory, RECORDED_DIRECTORY);
    let text = text.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{RECORDED_PORT}"));
    let text = text
        .replace(&format!("\\\"remote_port\\\": {port}"), &format!("\\\"remote_port\\\": {RECORDED_PORT}"));
    text.lines().map(without_time).collect()
}

fn without_time(line: &str) -> String {
    // Of JSON the time is the last key.
    if let Some((rest, _)) = line.split_once(",\"time\":\"") {
        return rest.to_owned();
    }
    let end = line.strip_prefix("time=\"").and_then(|rest| rest.split_once("\" "));
    end.map_or(line, |(_, rest)| rest).to_owned()
}

/// k6 adds an instruction of its engine to a position: `t.js:1:77(3)`.
fn without_instructions(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(open) = rest.find('(') {
        let digits = rest[open + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let is_instruction = digits > 0
            && rest[open + 1 + digits..].starts_with(')')
            && rest[..open].ends_with(|c: char| c.is_ascii_digit());
        out += &rest[..open];
        rest = match is_instruction {
            true => &rest[open + digits + 2..],
            false => {
                out.push('(');
                &rest[open + 1..]
            }
        };
    }
    out + rest
}

/// k6's parser goes on after an error and counts; how many follow says nothing to a user.
fn without_count_of_errors(line: &str) -> String {
    match (line.find(" (and "), line.find(" more errors)")) {
        (Some(begin), Some(end)) => line[..begin].to_owned() + &line[end + " more errors)".len()..],
        _ => line.to_owned(),
    }
}

/// k6 also names the Go function that an exception comes from.
fn without_native_frames(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find("\\tat go.k6.io/") {
        let Some(length) = rest[begin..].find(" (native)\\n") else { break };
        out += &rest[..begin];
        rest = &rest[begin + length + " (native)\\n".len()..];
    }
    out + rest
}
