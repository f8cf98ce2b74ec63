//! Types out of TypeScript: no checking, and nothing newer is made older.
//!
//! Decorators are refused: they would need a run-time library that has no home in the script.

use super::line_map::{LineMap, Point};
use super::syntax_error::{Wrong, describe, wrongs};
use oxc_allocator::Allocator;
use oxc_ast::AstKind;
use oxc_codegen::{Codegen, CodegenOptions, CommentOptions};
use oxc_parser::Parser;
use oxc_semantic::SemanticBuilder;
use oxc_span::{GetSpan, SourceType};
use oxc_transformer::{TransformOptions, Transformer};
use std::path::Path;

/// JavaScript, and where each token came from. The error is as of `parse::parse`.
pub fn strip(source: &str) -> Result<(String, LineMap), String> {
    let refuse = |wrong: &[Wrong]| Err(describe(source, wrong));
    let allocator = Allocator::default();
    let mut parsed = Parser::new(&allocator, source, SourceType::ts()).parse();
    if !parsed.errors.is_empty() {
        return refuse(&wrongs!(parsed.errors));
    }
    let checked =
        SemanticBuilder::new().with_check_syntax_error(true).with_excess_capacity(1.0).build(&parsed.program);
    if !checked.errors.is_empty() {
        return refuse(&wrongs!(checked.errors));
    }
    let decorators: Vec<Wrong> = checked
        .semantic
        .nodes()
        .iter()
        .filter(|node| matches!(node.kind(), AstKind::Decorator(_)))
        .map(|node| Wrong {
            offset: node.kind().span().start as usize,
            length: 1,
            message: "decorators are not supported".to_owned(),
        })
        .collect();
    if !decorators.is_empty() {
        return refuse(&decorators);
    }

    let scoping = checked.semantic.into_scoping();
    let path = Path::new("module.ts");
    let transformed = Transformer::new(&allocator, path, &TransformOptions::default())
        .build_with_scoping(scoping, &mut parsed.program);
    if !transformed.errors.is_empty() {
        return refuse(&wrongs!(transformed.errors));
    }
    let options = CodegenOptions {
        source_map_path: Some(path.to_owned()),
        comments: CommentOptions::disabled(),
        ..CodegenOptions::default()
    };
    let printed = Codegen::new().with_options(options).build(&parsed.program);
    let points = printed.map.iter().flat_map(|map| map.get_tokens()).map(|token| Point {
        compiled: (token.get_dst_line() + 1, token.get_dst_col() + 1),
        source: (token.get_src_line() + 1, token.get_src_col() + 1),
    });
    Ok((printed.code, LineMap::new(points.collect())))
}
