//! What a JavaScript text is (a module or CommonJS) and what it imports.

use super::module_text::{Import, Kind};
use super::syntax_error::{Wrong, describe, wrongs};
use oxc_allocator::Allocator;
use oxc_ast::AstKind;
use oxc_ast::ast::{BindingPatternKind, Expression, ImportDeclarationSpecifier, Program, Statement};
use oxc_parser::{ParseOptions, Parser};
use oxc_semantic::{AstNodes, Semantic, SemanticBuilder};
use oxc_span::{GetSpan, SourceType};

pub struct Parsed {
    pub kind: Kind,
    pub imports: Vec<Import>,
}

/// The error is `Line 1:35 Unexpected identifier (and 8 more errors)`.
pub fn parse(source: &str) -> Result<Parsed, String> {
    let allocator = Allocator::default();
    let module = Parser::new(&allocator, source, SourceType::mjs()).parse();
    let mut wrong_as_module = wrongs!(module.errors);
    if wrong_as_module.is_empty() {
        let checked = SemanticBuilder::new().with_check_syntax_error(true).build(&module.program);
        wrong_as_module = wrongs!(checked.errors);
        let record = &module.module_record;
        let is_module = record.has_module_syntax
            || !record.import_metas.is_empty()
            || awaits_at_top_level(checked.semantic.nodes());
        if is_module && wrong_as_module.is_empty() {
            return Ok(Parsed { kind: Kind::Esm, imports: imports(&module.program, &checked.semantic) });
        }
    }
    // As k6 does: what is no module must be CommonJS, and what is neither is judged as a module.
    let wrong_as_commonjs = check_commonjs(&allocator, source);
    if wrong_as_commonjs.is_empty() {
        return Ok(Parsed { kind: Kind::CommonJs, imports: Vec::new() });
    }
    Err(describe(source, if wrong_as_module.is_empty() { &wrong_as_commonjs } else { &wrong_as_module }))
}

/// What keeps a text from being the body of a sloppy function.
fn check_commonjs(allocator: &Allocator, source: &str) -> Vec<Wrong> {
    let options = ParseOptions { allow_return_outside_function: true, ..ParseOptions::default() };
    let script = Parser::new(allocator, source, SourceType::cjs()).with_options(options).parse();
    let wrong = wrongs!(script.errors);
    if !wrong.is_empty() {
        return wrong;
    }
    wrongs!(SemanticBuilder::new().with_check_syntax_error(true).build(&script.program).errors)
}

fn awaits_at_top_level(nodes: &AstNodes<'_>) -> bool {
    nodes.iter().any(|node| {
        let awaits = match node.kind() {
            AstKind::AwaitExpression(_) => true,
            AstKind::ForOfStatement(statement) => statement.r#await,
            AstKind::VariableDeclaration(declaration) => declaration.kind.is_await(),
            _ => false,
        };
        awaits && !nodes.ancestor_kinds(node.id()).any(AstKind::is_function_like)
    })
}

fn imports(program: &Program<'_>, semantic: &Semantic<'_>) -> Vec<Import> {
    let mut imports = Imports::default();
    for statement in &program.body {
        match statement {
            Statement::ImportDeclaration(import) => {
                let names = imports.of(&import.source.value);
                for specifier in import.specifiers.iter().flatten() {
                    match specifier {
                        ImportDeclarationSpecifier::ImportSpecifier(one) => add(names, &one.imported.name()),
                        ImportDeclarationSpecifier::ImportDefaultSpecifier(_) => add(names, "default"),
                        ImportDeclarationSpecifier::ImportNamespaceSpecifier(all) => {
                            for name in names_used_of(semantic, all.local.symbol_id()) {
                                add(names, &name);
                            }
                        }
                    }
                }
            }
            Statement::ExportNamedDeclaration(export) => {
                let Some(source) = &export.source else { continue };
                let names = imports.of(&source.value);
                for specifier in &export.specifiers {
                    add(names, &specifier.local.name());
                }
            }
            // Its names are whatever the other module has; it is listed so that it is loaded.
            Statement::ExportAllDeclaration(export) => {
                imports.of(&export.source.value);
            }
            _ => {}
        }
    }
    imports.0
}

#[derive(Default)]
struct Imports(Vec<Import>);

impl Imports {
    fn of(&mut self, specifier: &str) -> &mut Vec<String> {
        let place = self.0.iter().position(|import| import.specifier == specifier).unwrap_or_else(|| {
            self.0.push(Import { specifier: specifier.to_owned(), names: Vec::new() });
            self.0.len() - 1
        });
        &mut self.0[place].names
    }
}

fn add(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}

/// Names that a module reads from a namespace object: `all.name`, `all["name"]`, `const {name} = all`.
/// The object of a native module has only the names that were declared for it.
fn names_used_of(semantic: &Semantic<'_>, namespace: oxc_semantic::SymbolId) -> Vec<String> {
    let nodes = semantic.nodes();
    let mut names = Vec::new();
    for reference in semantic.scoping().get_resolved_references(namespace) {
        let node = reference.node_id();
        let span = nodes.kind(node).span();
        match nodes.parent_kind(node) {
            AstKind::StaticMemberExpression(member) => names.push(member.property.name.to_string()),
            AstKind::ComputedMemberExpression(member) if member.object.span() == span => {
                if let Expression::StringLiteral(name) = &member.expression {
                    names.push(name.value.to_string());
                }
            }
            AstKind::VariableDeclarator(declarator) => {
                if let BindingPatternKind::ObjectPattern(pattern) = &declarator.id.kind {
                    names.extend(
                        pattern
                            .properties
                            .iter()
                            .filter_map(|property| Some(property.key.static_name()?.into_owned())),
                    );
                }
            }
            _ => {}
        }
    }
    names
}
