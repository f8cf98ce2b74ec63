//! Choices about the engine that k6 does not have: transport and spinning.

/// `--transport`: how bytes move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransportChoice {
    /// io_uring where the machine allows it, else epoll.
    #[default]
    Auto,
    Uring,
    Epoll,
}

impl TransportChoice {
    pub fn parse(text: &str) -> Result<TransportChoice, String> {
        match text {
            "auto" => Ok(TransportChoice::Auto),
            "uring" => Ok(TransportChoice::Uring),
            "epoll" => Ok(TransportChoice::Epoll),
            _ => Err("use auto, uring or epoll".to_owned()),
        }
    }
}

/// `--spin`: whether a worker may burn its CPU while it waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpinChoice {
    /// Only where it sharpens the start times and leaves a CPU to a target on this machine.
    #[default]
    Auto,
    On,
    Off,
}

impl SpinChoice {
    pub fn parse(text: &str) -> Result<SpinChoice, String> {
        match text {
            "auto" => Ok(SpinChoice::Auto),
            "on" => Ok(SpinChoice::On),
            "off" => Ok(SpinChoice::Off),
            _ => Err("use auto, on or off".to_owned()),
        }
    }
}
