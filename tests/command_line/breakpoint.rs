//! How searches end that find nothing: at once, with a message and an exit status.

use crate::peer::Peer;
use crate::program::{Program, ringload, run};

#[test]
fn a_dead_target_is_not_searched() {
    let peer = Peer::silent();
    let url = peer.url();
    drop(peer);
    let ended = run(ringload(&["breakpoint", &url, "--max-time=20s"]));
    let message = ended.last_message();
    assert!(message.starts_with("there is nothing to search: of "), "{}", ended.stderr);
    assert_eq!(ended.code, Some(255), "{}", ended.stderr);
}

#[test]
fn a_target_that_hangs_is_not_searched() {
    let peer = Peer::silent();
    let ended = run(ringload(&["breakpoint", &peer.url(), "--max-time=20s"]));
    assert!(ended.last_message().contains("answered no request in"), "{}", ended.stderr);
    assert_eq!((ended.code, peer.requests().len()), (Some(255), 1), "{}", ended.stderr);
}

#[test]
fn a_signal_ends_a_search_in_a_closed_loop_too() {
    let peer = Peer::answering(b"HTTP/1.1 204 No Content\r\n\r\n");
    let mut search = Program::start(ringload(&["breakpoint", &peer.url()]));
    peer.wait_for_requests(10);
    search.signal("INT");
    let ended = search.end();
    assert_eq!(ended.code, Some(105), "{}", ended.stderr);
    assert_eq!(ended.last_message(), "the search was ended by a 'interrupt' signal");
}
