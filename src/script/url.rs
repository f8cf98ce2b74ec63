//! URL mode: an iteration requests one URL once (or N times in one write, pipelined).

use super::{Answer, Program, Step, TemplateId};

#[derive(Clone, Copy, Debug)]
pub struct UrlProgram {
    template: TemplateId,
}

impl UrlProgram {
    pub fn new(template: TemplateId) -> UrlProgram {
        UrlProgram { template }
    }
}

impl Program for UrlProgram {
    #[inline]
    fn start(&mut self) -> Step {
        Step::Exchange(self.template)
    }

    #[inline]
    fn resume(&mut self, _answer: Answer) -> Step {
        Step::Done
    }

    fn cancel(&mut self) {}
}
