//! The same load over tokio-uring: a task for each connection, one operation in flight on it.
//!
//! Set up as fast as it can be: cooperative task work (DEFER_TASKRUN gives it no completions at
//! all, for it waits by epoll on the ring), one issuer, blocking sockets (the ring polls for it).

use super::{Load, Measured, WARM_UP};
use ringload::sys::clock::Clock;
use ringload::sys::cpu;
use std::cell::Cell;
use std::net::TcpStream;
use std::rc::Rc;
use std::time::Duration;

pub fn drive(load: &Load, clock: Clock) -> Measured {
    let entries = load.connections.clamp(64, 1024).next_power_of_two();
    let mut ring = tokio_uring::uring_builder();
    ring.setup_coop_taskrun().setup_single_issuer().setup_cqsize(4 * entries);
    tokio_uring::builder().entries(entries).uring_builder(&ring).start(loops(load, clock))
}

async fn loops(load: &Load, clock: Clock) -> Measured {
    let requests = Rc::new(Cell::new(0u64));
    let stop = Rc::new(Cell::new(false));
    let mut tasks = Vec::new();
    for _ in 0..load.connections {
        let stream = connect(load).expect("the target accepts");
        let stream = tokio_uring::net::TcpStream::from_std(stream);
        let (request, response_len) = (load.request, load.response_len);
        let (requests, stop) = (requests.clone(), stop.clone());
        tasks.push(tokio_uring::spawn(async move {
            let mut buffer = vec![0; response_len];
            while !stop.get() {
                let (sent, _) = stream.write_all(request).await;
                sent.expect("the target reads");
                let mut missing = response_len;
                while missing > 0 {
                    let (received, back) = stream.read(buffer).await;
                    buffer = back;
                    match received.expect("the target answers") {
                        0 => panic!("the target ended a connection"),
                        count => missing = missing.checked_sub(count).expect("one response at a time"),
                    }
                }
                requests.set(requests.get() + 1);
            }
        }));
    }
    tokio::time::sleep(WARM_UP).await;
    let (requests_before, cpu_before, begin) = (requests.get(), cpu::thread_time(), clock.now());
    tokio::time::sleep(Duration::from_secs(u64::from(load.seconds))).await;
    let measured = Measured {
        requests: requests.get() - requests_before,
        cpu: cpu::thread_time() - cpu_before,
        seconds: clock.now().since(begin) as f64 / 1e9,
    };
    stop.set(true);
    for task in tasks {
        task.await.expect("a connection's task ends in good order");
    }
    measured
}

/// With the socket options that our transports set.
fn connect(load: &Load) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(load.address)?;
    stream.set_nodelay(true)?;
    if let Some(name) = load.socket.congestion_control {
        socket2::SockRef::from(&stream).set_tcp_congestion(name.as_bytes())?;
    }
    Ok(stream)
}
