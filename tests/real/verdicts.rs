//! Each cause once: the run says who broke first.

use crate::causes::{CAUSES, said};

#[test]
fn each_cause_is_found() {
    let mut wrong = Vec::new();
    for cause in &CAUSES {
        let Some(output) = cause.run() else { continue };
        if said(&output) != cause.want {
            wrong.push(format!("{}: {} instead of {}\n{output}", cause.name, said(&output), cause.want));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
