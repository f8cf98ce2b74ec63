//! A parsed page and sets of its nodes: what jQuery can ask of them, in the order goquery answers.
//!
//! Pure Rust: no value of JavaScript is in it, so the garbage collector need not know. Loops instead
//! of recursion, since a page chooses how deep it is. A selector that cannot be parsed matches nothing,
//! as in goquery.

use dom_query::{Document, Matcher, NodeData, NodeId, NodeRef};
use std::rc::Rc;

/// One page; shared by all that was picked from it.
pub struct Page(Document);

/// Nodes of a page, each once.
#[derive(Clone)]
pub struct Picked {
    page: Rc<Page>,
    nodes: Rc<[NodeId]>,
    /// What this was picked from.
    from: Option<Rc<Picked>>,
}

/// What is looked for.
pub enum Wanted {
    Selector(Option<Box<Matcher>>),
    Nodes(Vec<NodeId>),
}

impl Wanted {
    pub fn selector(text: &str) -> Wanted {
        Wanted::Selector(Matcher::new(text).ok().map(Box::new))
    }

    pub fn picked(picked: &Picked) -> Wanted {
        Wanted::Nodes(picked.nodes.to_vec())
    }

    fn is(&self, node: &NodeRef<'_>) -> bool {
        match self {
            Wanted::Selector(matcher) => matcher.as_ref().is_some_and(|matcher| node.is_match(matcher)),
            Wanted::Nodes(nodes) => nodes.contains(&node.id),
        }
    }
}

/// Which way from each node, and how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Children,
    /// Of any kind: text and comments, too.
    Contents,
    Parent,
    Parents,
    Next,
    NextAll,
    Prev,
    PrevAll,
    Siblings,
}

impl Picked {
    /// The document of a page.
    pub fn parse(html: &str) -> Picked {
        let document = Document::from(html);
        let root = document.root().id;
        Picked { page: Rc::new(Page(document)), nodes: Rc::from([root]), from: None }
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub fn ids(&self) -> &[NodeId] {
        &self.nodes
    }

    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = NodeRef<'_>> {
        self.nodes.iter().filter_map(|id| self.page.0.tree.get(id))
    }

    pub fn first_node(&self) -> Option<NodeRef<'_>> {
        self.nodes().next()
    }

    /// Nodes picked from these.
    pub fn pick(&self, nodes: Vec<NodeId>) -> Picked {
        let mut unique: Vec<NodeId> = Vec::with_capacity(nodes.len());
        let mut seen = rustc_hash::FxHashSet::default();
        unique.extend(nodes.into_iter().filter(|node| seen.insert(*node)));
        Picked { page: self.page.clone(), nodes: unique.into(), from: Some(Rc::new(self.clone())) }
    }

    pub fn end(&self) -> Picked {
        match &self.from {
            Some(from) => Picked::clone(from),
            None => self.pick(Vec::new()),
        }
    }

    pub fn whole(&self) -> Picked {
        self.pick(vec![self.page.0.root().id])
    }

    pub fn find(&self, wanted: &Wanted) -> Picked {
        let mut found = Vec::new();
        for node in self.nodes() {
            match wanted {
                Wanted::Selector(None) => {}
                Wanted::Selector(Some(_)) => {
                    found.extend(node.descendants_it().filter(|node| wanted.is(node)).map(|node| node.id));
                }
                Wanted::Nodes(nodes) => found.extend(nodes.iter().filter(|id| self.is_below(id, &node.id))),
            }
        }
        self.pick(found)
    }

    /// Whether a node is a descendant of another.
    pub fn is_below(&self, id: &NodeId, above: &NodeId) -> bool {
        let node = self.page.0.tree.get(id);
        node.is_some_and(|node| node.ancestors_it(None).any(|ancestor| ancestor.id == *above))
    }

    /// Keeps nodes by what they are (or, if `not`, by what they are not).
    pub fn filter(&self, wanted: &Wanted, not: bool) -> Picked {
        self.pick(self.nodes().filter(|node| wanted.is(node) != not).map(|node| node.id).collect())
    }

    pub fn is(&self, wanted: &Wanted) -> bool {
        self.nodes().any(|node| wanted.is(&node))
    }

    pub fn has(&self, wanted: &Wanted) -> Picked {
        let has = |node: &NodeRef<'_>| match wanted {
            Wanted::Selector(_) => node.descendants_it().any(|below| wanted.is(&below)),
            Wanted::Nodes(nodes) => nodes.iter().any(|id| self.is_below(id, &node.id)),
        };
        self.pick(self.nodes().filter(has).map(|node| node.id).collect())
    }

    pub fn add(&self, more: &Picked) -> Picked {
        self.pick(self.nodes.iter().chain(more.nodes.iter()).copied().collect())
    }

    pub fn closest(&self, wanted: &Wanted) -> Picked {
        let closest = |node: NodeRef<'_>| {
            let mut upwards = std::iter::successors(Some(node), |node| node.parent());
            upwards.find(|node| wanted.is(node)).map(|node| node.id)
        };
        self.pick(self.nodes().filter_map(closest).collect())
    }

    /// Goes from each node until one is met, and keeps what is `wanted`.
    pub fn go(&self, way: Way, until: Option<&Wanted>, wanted: Option<&Wanted>) -> Picked {
        let mut found = Vec::new();
        for node in self.nodes() {
            let passed = passed(&node, way);
            let passed = passed.into_iter().take_while(|node| !until.is_some_and(|until| until.is(node)));
            found.extend(
                passed.filter(|node| wanted.is_none_or(|wanted| wanted.is(node))).map(|node| node.id),
            );
        }
        self.pick(found)
    }

    /// From `start` to `end`; negative ones count from the end.
    pub fn slice(&self, start: i64, end: i64) -> Picked {
        let len = self.nodes.len() as i64;
        let place = |at: i64| if at < 0 { (len + at).max(0) } else { at.min(len) } as usize;
        let (start, end) = (place(start), place(end));
        self.pick(self.nodes.get(start..end).unwrap_or_default().to_vec())
    }

    pub fn at(&self, place: i64) -> Option<Picked> {
        let place = if place < 0 { self.nodes.len() as i64 + place } else { place };
        let node = *self.nodes.get(usize::try_from(place).ok()?)?;
        Some(self.pick(vec![node]))
    }

    /// All text below all nodes.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for node in self.nodes() {
            let own = node.is_text().then_some(node);
            for node in own.into_iter().chain(node.descendants_it()) {
                node.query(|node| {
                    if let NodeData::Text { contents } = &node.data {
                        text.push_str(contents);
                    }
                });
            }
        }
        text
    }

    /// Of the first node.
    pub fn attribute(&self, name: &str) -> Option<String> {
        self.first_node()?.attr(name).map(|value| value.to_string())
    }

    /// Of the first node; empty if there is none.
    pub fn name(&self) -> String {
        self.first_node().and_then(|node| node.node_name()).map_or(String::new(), |name| name.to_string())
    }

    /// Within the first node.
    pub fn html(&self) -> String {
        self.first_node().map_or(String::new(), |node| super::render::inner(&node))
    }
}

/// Nodes on the way, nearest first.
fn passed<'a>(node: &NodeRef<'a>, way: Way) -> Vec<NodeRef<'a>> {
    let next = |node: &NodeRef<'a>| node.next_element_sibling();
    let prev = |node: &NodeRef<'a>| node.prev_element_sibling();
    let element_parent = |node: &NodeRef<'a>| node.parent().filter(NodeRef::is_element);
    match way {
        Way::Children => node.element_children(),
        Way::Contents => node.children(),
        Way::Parent => element_parent(node).into_iter().collect(),
        Way::Parents => std::iter::successors(element_parent(node), element_parent).collect(),
        Way::Next => next(node).into_iter().collect(),
        Way::NextAll => std::iter::successors(next(node), next).collect(),
        Way::Prev => prev(node).into_iter().collect(),
        Way::PrevAll => std::iter::successors(prev(node), prev).collect(),
        Way::Siblings => {
            let all = node.parent().map(|parent| parent.element_children()).unwrap_or_default();
            all.into_iter().filter(|sibling| sibling.id != node.id).collect()
        }
    }
}
