//! Telling k6's archives (tar) from scripts.

const BLOCK: usize = 512;
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// Whether the bytes begin with a tar header: its checksum is right (POSIX.1-1988, ustar). The
/// magic bytes would not do, since the oldest format has none.
pub fn is_tar(bytes: &[u8]) -> bool {
    let Some(header) = bytes.get(..BLOCK) else { return false };
    let stated = std::str::from_utf8(&header[CHECKSUM])
        .map(|text| text.trim_matches(|c| c == ' ' || c == '\0'))
        .map(|octal| u32::from_str_radix(octal, 8));
    // The field itself counts as blanks.
    let sum: u32 = header
        .iter()
        .enumerate()
        .map(|(place, &byte)| u32::from(if CHECKSUM.contains(&place) { b' ' } else { byte }))
        .sum();
    stated == Ok(Ok(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with this checksum field; all else is zero but the name.
    fn header(checksum: &str) -> Vec<u8> {
        let mut bytes = vec![0; BLOCK];
        bytes[..4].copy_from_slice(b"data");
        bytes[CHECKSUM][..checksum.len()].copy_from_slice(checksum.as_bytes());
        bytes
    }

    #[track_caller]
    fn check(bytes: &[u8], want: bool) {
        assert_eq!(is_tar(bytes), want);
    }

    #[test]
    fn a_header_with_the_right_checksum_begins_an_archive() {
        // "data" is 100 + 97 + 116 + 97; eight blanks are 256: 666, in octal 1232.
        check(&header("001232\0 "), true);
        check(&header("  1232 "), true);
    }

    #[test]
    fn anything_else_does_not() {
        check(&header("001233\0 "), false);
        check(&header("no"), false);
        check(&[0; BLOCK], false);
        check(&header("001232\0 ")[..BLOCK - 1], false);
        check("export default function() {}\n".repeat(40).as_bytes(), false);
    }
}
