//! `multipart/form-data` bodies with files (RFC 7578), in the bytes of Go's writer.

/// One field of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    /// `None`: a plain field.
    pub file: Option<FileInfo>,
    pub data: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    pub name: String,
    pub content_type: String,
}

/// The value of the Content-Type header.
pub fn content_type(boundary: &str) -> String {
    format!("multipart/form-data; boundary={boundary}")
}

/// `boundary` must not occur in any part; the caller makes it random.
pub fn encode(parts: &[Part], boundary: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts {
        let line_end = if body.is_empty() { "" } else { "\r\n" };
        let name = quoted(&part.name);
        let mut head = format!("{line_end}--{boundary}\r\nContent-Disposition: form-data; name={name}");
        if let Some(file) = &part.file {
            head.push_str(&format!(
                "; filename={}\r\nContent-Type: {}",
                quoted(&file.name),
                file.content_type.replace(['\r', '\n'], "")
            ));
        }
        head.push_str("\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&part.data);
    }
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    body
}

/// Line ends are escaped as browsers do: they would end the header.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\r', "%0D").replace('\n', "%0A");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(parts: &[Part], want: &str) {
        assert_eq!(String::from_utf8(encode(parts, "BOUND")).unwrap(), want);
    }

    fn field(name: &str, data: &str) -> Part {
        Part { name: name.into(), file: None, data: data.into() }
    }

    fn file(name: &str, file_name: &str, data: &str) -> Part {
        let info = FileInfo { name: file_name.into(), content_type: "text/plain".into() };
        Part { file: Some(info), ..field(name, data) }
    }

    #[test]
    fn fields_and_files_stand_between_boundaries() {
        assert_eq!(content_type("BOUND"), "multipart/form-data; boundary=BOUND");
        check(
            &[field("a", "1"), file("f", "x.txt", "hi")],
            "--BOUND\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
             --BOUND\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.txt\"\r\n\
             Content-Type: text/plain\r\n\r\nhi\r\n--BOUND--\r\n",
        );
    }

    #[test]
    fn names_cannot_break_the_header() {
        check(
            &[file("a\"b", "c\\d\r\ne", "")],
            "--BOUND\r\nContent-Disposition: form-data; name=\"a\\\"b\"; filename=\"c\\\\d%0D%0Ae\"\r\n\
             Content-Type: text/plain\r\n\r\n\r\n--BOUND--\r\n",
        );
    }
}
