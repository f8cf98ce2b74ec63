//! Imports of scripts: files through `Sources`, k6's own modules through `modules::find`.

use super::engine::{self, Bytecode, ImportError, ModuleCode, ModuleLoader};
use super::exceptions;
use super::modules;
use super::test_run::TestRun;
use super::vu::{Stage, Vu};
use crate::script::source::{Kind, is_builtin};
use rquickjs::{Ctx, Error, Function, Object, Result, Value};
use std::sync::Arc;

pub struct Loader(pub Arc<TestRun>);

impl ModuleLoader for Loader {
    fn resolve(&self, importer: &str, specifier: &str) -> std::result::Result<String, String> {
        self.0.sources.resolve(importer, specifier).map_err(|error| error.message)
    }

    fn load(&self, name: &str) -> std::result::Result<ModuleCode, String> {
        // Names that a built-in module does not have are undefined, not errors, and what CommonJS
        // exports is known once it ran: both export whatever is imported from them.
        let imported = || self.0.sources.imported_names(name).into_iter().collect();
        if is_builtin(name) {
            let builtin = modules::find(name)?;
            return Ok(ModuleCode::native(imported(), move |ctx| modules::exports(ctx, builtin)));
        }
        let text = self.0.sources.load(name).map_err(|error| error.message)?;
        Ok(match text.kind {
            Kind::CommonJs => {
                let url = name.to_owned();
                ModuleCode::native(imported(), move |ctx| commonjs(ctx, &url))
            }
            Kind::Esm => match self.0.code(name) {
                Some(bytecode) => ModuleCode::Bytecode(bytecode),
                None => ModuleCode::Text(text.text.clone()),
            },
        })
    }

    fn compiled(&self, name: &str, bytecode: Arc<Bytecode>) {
        self.0.keep_code(name, bytecode);
    }
}

/// What the main module exports: a namespace, or CommonJS's `module.exports`.
pub fn import_main<'js>(ctx: &Ctx<'js>, url: &str) -> std::result::Result<Object<'js>, ImportError> {
    let kind = Vu::of(ctx).test.sources.load(url).map(|text| text.kind);
    if kind == Ok(Kind::Esm) {
        return engine::import(ctx, url);
    }
    let exports = commonjs(ctx, url).map_err(|_| ImportError::Evaluating)?;
    match exports.into_object() {
        Some(object) => Ok(object),
        None => Object::new(ctx.clone()).map_err(|_| ImportError::Evaluating),
    }
}

/// `require(specifier)` of a module with this URL.
pub fn require<'js>(ctx: &Ctx<'js>, importer: &str, specifier: &str) -> Result<Value<'js>> {
    let vu = Vu::of(ctx);
    if vu.stage() != Stage::Init {
        return Err(exceptions::throw(ctx, ONLY_IN_INIT));
    }
    let sources = &vu.test.sources;
    let name =
        sources.resolve(importer, specifier).map_err(|error| exceptions::throw(ctx, &error.message))?;
    if is_builtin(&name) {
        let builtin = modules::find(&name).map_err(|text| exceptions::throw(ctx, &text))?;
        return modules::exports(ctx, builtin);
    }
    match sources.load(&name).map_err(|error| exceptions::throw(ctx, &error.message))?.kind {
        Kind::CommonJs => commonjs(ctx, &name),
        Kind::Esm => match engine::import(ctx, &name) {
            Ok(namespace) => Ok(namespace.into_value()),
            Err(_) => Err(Error::Exception),
        },
    }
}

const ONLY_IN_INIT: &str = "the \"require\" function is only available in the init stage (i.e. the global scope), see \
     https://grafana.com/docs/k6/latest/using-k6/test-lifecycle for more information";

/// `module.exports` of a CommonJS module; run once per VU, in a cycle as far as it got.
fn commonjs<'js>(ctx: &Ctx<'js>, url: &str) -> Result<Value<'js>> {
    let vu = Vu::of(ctx);
    if let Some(module) = vu.required(ctx, url)? {
        return module.get("exports");
    }
    let bytecode = match vu.test.code(url) {
        Some(bytecode) => bytecode,
        None => {
            let text = vu.test.sources.load(url).map_err(|error| exceptions::throw(ctx, &error.message))?;
            let bytecode = Arc::new(engine::compile_script(ctx, url, &text.text)?);
            vu.test.keep_code(url, bytecode.clone());
            bytecode
        }
    };
    let wrapper: Function = engine::run_script(ctx, &bytecode)?.get()?;
    let (module, exports) = (Object::new(ctx.clone())?, Object::new(ctx.clone())?);
    module.set("exports", exports.clone())?;
    vu.set_required(ctx, url, module.clone());
    let importer = url.to_owned();
    let require = Function::new(ctx.clone(), move |ctx: Ctx<'js>, specifier: String| {
        require(&ctx, &importer, &specifier)
    })?;
    wrapper.call::<_, ()>((
        rquickjs::function::This(exports.clone()),
        module.clone(),
        exports,
        require.with_name("require")?,
    ))?;
    module.get("exports")
}
