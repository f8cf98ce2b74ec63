//! URL mode: an iteration requests one URL once (or N times in one write, pipelined).

use super::{Answer, Context, Iteration, Program, Step, TemplateId};

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
    const IS_NUMBERED: bool = false;
    const IS_COSTLY: bool = false;

    #[inline]
    fn start(&mut self, _context: &mut Context<'_>, _iteration: Iteration) -> Step {
        Step::Exchange(self.template)
    }

    #[inline]
    fn resume(&mut self, _context: &mut Context<'_>, _answer: Answer) -> Step {
        Step::Done
    }

    fn cancel(&mut self, _context: &mut Context<'_>) {}
}
