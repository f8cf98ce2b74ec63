//! Modules: QuickJS's two hooks, bytecode, and modules made of native objects.
//!
//! Invariants
//! M1. A `Bytecode` was written by the compiler of this process; nothing else makes one.
//! M2. The `Modules` that the hooks are given lives as long as the runtime.
//! M3. Module definitions live as long as their context once they are resolved; only such ones are
//!     in `loaded`.

use super::running::Running;
use rquickjs::promise::PromiseState;
use rquickjs::{Ctx, Error, Exception, Object, Promise, Result, Value, qjs};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::rc::Rc;
use std::sync::Arc;

/// A compiled module; the process compiles each once and its VUs read it.
pub struct Bytecode(Vec<u8>);

/// Makes the value that a native module exports.
pub type MakeExports = Box<dyn for<'js> FnOnce(&Ctx<'js>) -> Result<Value<'js>>>;

/// What a module name stands for.
pub enum ModuleCode {
    /// An ECMAScript module, given back to `ModuleLoader::compiled`.
    Text(String),
    Bytecode(Arc<Bytecode>),
    /// Exports `names`: `default` is the value, the others its properties, undefined if absent.
    Native {
        names: Vec<String>,
        make: MakeExports,
    },
}

impl ModuleCode {
    pub fn native(
        names: Vec<String>,
        make: impl for<'js> FnOnce(&Ctx<'js>) -> Result<Value<'js>> + 'static,
    ) -> ModuleCode {
        ModuleCode::Native { names, make: Box::new(make) }
    }
}

/// Where modules come from. An error is the text of an exception.
pub trait ModuleLoader {
    /// The name of what `importer` means by `specifier`; one name is loaded once per VM.
    fn resolve(&self, importer: &str, specifier: &str) -> std::result::Result<String, String>;
    fn load(&self, name: &str) -> std::result::Result<ModuleCode, String>;
    fn compiled(&self, name: &str, bytecode: Arc<Bytecode>);
}

struct NativeModule {
    names: Vec<String>,
    make: MakeExports,
}

/// The modules of one VM.
pub(super) struct Modules {
    loader: Rc<dyn ModuleLoader>,
    loaded: RefCell<HashMap<String, *mut qjs::JSModuleDef>>,
    natives: RefCell<HashMap<*mut qjs::JSModuleDef, NativeModule>>,
}

impl Modules {
    pub(super) fn new(loader: Rc<dyn ModuleLoader>) -> Modules {
        Modules { loader, loaded: RefCell::default(), natives: RefCell::default() }
    }

    /// # Safety
    /// `runtime` is alive and ends before `self` (M2).
    pub(super) unsafe fn set_hooks(&self, runtime: *mut qjs::JSRuntime) {
        let opaque = std::ptr::from_ref(self).cast_mut().cast::<c_void>();
        // SAFETY: by this function's contract.
        unsafe { qjs::JS_SetModuleLoaderFunc(runtime, Some(normalize), Some(load), opaque) };
    }

    fn load(&self, ctx: &Ctx<'_>, name: &str) -> Result<*mut qjs::JSModuleDef> {
        let code = self.loader.load(name).map_err(|text| Exception::throw_message(ctx, &text))?;
        let module = match code {
            ModuleCode::Text(text) => {
                let module = compile(ctx, name, &text, qjs::JS_EVAL_TYPE_MODULE)?;
                let definition = module_of(module)?;
                self.loader.compiled(name, Arc::new(write_bytecode(ctx, module)?));
                definition
            }
            ModuleCode::Bytecode(bytecode) => module_of(read_bytecode(ctx, &bytecode))?,
            ModuleCode::Native { names, make } => {
                let module = declare(ctx, name, &names)?;
                self.natives.borrow_mut().insert(module, NativeModule { names, make });
                module
            }
        };
        self.loaded.borrow_mut().insert(name.to_owned(), module);
        Ok(module)
    }
}

/// When an import failed; the exception is the context's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportError {
    /// Before anything of the module ran: it cannot be compiled, or what it imports not be found.
    Linking,
    Evaluating,
}

/// The namespace of a module, evaluated if it was not. Not for modules that await something that
/// takes time.
pub fn import<'js>(ctx: &Ctx<'js>, name: &str) -> std::result::Result<Object<'js>, ImportError> {
    let (module, promise) = evaluate(ctx, name).map_err(|_| ImportError::Linking)?;
    let finished = promise.as_promise().map_or(Ok(()), |promise| settle(ctx, promise));
    finished.map_err(|_| ImportError::Evaluating)?;
    // SAFETY: the module is alive and linked.
    let namespace = unsafe { owned(ctx, qjs::JS_GetModuleNamespace(ctx.as_raw().as_ptr(), module)) };
    namespace.ok().and_then(Value::into_object).ok_or(ImportError::Evaluating)
}

fn evaluate<'js>(ctx: &Ctx<'js>, name: &str) -> Result<(*mut qjs::JSModuleDef, Value<'js>)> {
    let modules = &Running::of(ctx).modules;
    let known = modules.loaded.borrow().get(name).copied();
    let module = match known {
        Some(module) => module,
        None => modules.load(ctx, name)?,
    };
    let raw = ctx.as_raw().as_ptr();
    let value = qjs::JS_MKPTR(qjs::JS_TAG_MODULE, module.cast());
    // SAFETY: the module is alive (M3); evaluation takes one reference, so one is added.
    unsafe {
        if qjs::JS_ResolveModule(raw, value) < 0 {
            modules.loaded.borrow_mut().remove(name);
            return Err(Error::Exception);
        }
        Ok((module, owned(ctx, qjs::JS_EvalFunction(raw, qjs::JS_DupValue(raw, value)))?))
    }
}

fn settle<'js>(ctx: &Ctx<'js>, promise: &Promise<'js>) -> Result<()> {
    while promise.state() == PromiseState::Pending && ctx.execute_pending_job() {}
    match promise.result::<Value>() {
        Some(result) => result.map(drop),
        None => Err(Exception::throw_message(ctx, "top-level await waits for something that never comes")),
    }
}

/// Compiles a script (sloppy, not a module).
pub fn compile_script(ctx: &Ctx<'_>, name: &str, text: &str) -> Result<Bytecode> {
    let script = compile(ctx, name, text, qjs::JS_EVAL_TYPE_GLOBAL)?;
    // SAFETY: the compiler gave its reference away.
    let script = unsafe { owned(ctx, script)? };
    write_bytecode(ctx, script.as_raw())
}

/// Runs a compiled script; its value is that of its last statement.
pub fn run_script<'js>(ctx: &Ctx<'js>, bytecode: &Bytecode) -> Result<Value<'js>> {
    let script = read_bytecode(ctx, bytecode);
    // SAFETY: the reader gave its reference away, and the call takes it.
    unsafe { owned(ctx, qjs::JS_EvalFunction(ctx.as_raw().as_ptr(), script)) }
}

/// Of a module, also resolves what it imports.
fn compile(ctx: &Ctx<'_>, name: &str, text: &str, kind: u32) -> Result<qjs::JSValue> {
    let (name, bytes) = (CString::new(name)?, text.len());
    let text = CString::new(text)?;
    let flags = kind | qjs::JS_EVAL_FLAG_COMPILE_ONLY;
    // SAFETY: both strings live through the call and end in a zero byte.
    Ok(unsafe {
        qjs::JS_Eval(ctx.as_raw().as_ptr(), text.as_ptr(), bytes as _, name.as_ptr(), flags as c_int)
    })
}

/// Without the source text: every VU would hold its own copy.
fn write_bytecode(ctx: &Ctx<'_>, value: qjs::JSValue) -> Result<Bytecode> {
    let raw = ctx.as_raw().as_ptr();
    let flags = qjs::JS_WRITE_OBJ_BYTECODE | qjs::JS_WRITE_OBJ_STRIP_SOURCE;
    let mut bytes = 0;
    // SAFETY: the value is alive; the buffer is ours to copy and free.
    unsafe {
        let buffer = qjs::JS_WriteObject(raw, &mut bytes, value, flags as c_int);
        if buffer.is_null() {
            return Err(Error::Exception);
        }
        let copy = std::slice::from_raw_parts(buffer, bytes as usize).to_vec();
        qjs::js_free(raw, buffer.cast());
        Ok(Bytecode(copy))
    }
}

fn read_bytecode(ctx: &Ctx<'_>, bytecode: &Bytecode) -> qjs::JSValue {
    // SAFETY: the bytes are what this process's compiler wrote (M1); they are copied.
    unsafe {
        qjs::JS_ReadObject(
            ctx.as_raw().as_ptr(),
            bytecode.0.as_ptr(),
            bytecode.0.len() as _,
            qjs::JS_READ_OBJ_BYTECODE as c_int,
        )
    }
}

/// A module definition is the context's: the value adds no reference to it.
fn module_of(value: qjs::JSValue) -> Result<*mut qjs::JSModuleDef> {
    // SAFETY: the tag says what the pointer is of.
    unsafe {
        match qjs::JS_VALUE_GET_TAG(value) == qjs::JS_TAG_MODULE {
            true => Ok(qjs::JS_VALUE_GET_PTR(value).cast()),
            false => Err(Error::Exception),
        }
    }
}

fn declare(ctx: &Ctx<'_>, name: &str, names: &[String]) -> Result<*mut qjs::JSModuleDef> {
    let raw = ctx.as_raw().as_ptr();
    let name = CString::new(name)?;
    // SAFETY: the strings live through the calls, which copy them.
    unsafe {
        let module = qjs::JS_NewCModule(raw, name.as_ptr(), Some(evaluate_native));
        if module.is_null() {
            return Err(Error::Exception);
        }
        for name in names {
            let name = CString::new(name.as_str())?;
            if qjs::JS_AddModuleExport(raw, module, name.as_ptr()) < 0 {
                return Err(Error::Exception);
            }
        }
        Ok(module)
    }
}

/// A result of QuickJS whose reference is ours.
///
/// # Safety
/// `value` comes from a call that gave its reference away.
unsafe fn owned<'js>(ctx: &Ctx<'js>, value: qjs::JSValue) -> Result<Value<'js>> {
    // SAFETY: by this function's contract.
    let value = unsafe { Value::from_raw(ctx.clone(), value) };
    if value.is_exception() { Err(Error::Exception) } else { Ok(value) }
}

unsafe extern "C" fn normalize(
    raw: *mut qjs::JSContext,
    importer: *const c_char,
    specifier: *const c_char,
    opaque: *mut c_void,
) -> *mut c_char {
    // SAFETY: QuickJS calls with a live context, two strings and the pointer of `set_hooks` (M2).
    let (ctx, modules, importer, specifier) = unsafe {
        let ctx = Ctx::from_raw(std::ptr::NonNull::new_unchecked(raw));
        (ctx, &*opaque.cast::<Modules>(), CStr::from_ptr(importer), CStr::from_ptr(specifier))
    };
    guarded(&ctx, null_mut(), || {
        let (importer, specifier) = (importer.to_string_lossy(), specifier.to_string_lossy());
        let name = modules.loader.resolve(&importer, &specifier);
        let name = CString::new(name.map_err(|text| Exception::throw_message(&ctx, &text))?)?;
        // SAFETY: a copy in QuickJS's own memory, which it frees.
        match unsafe { qjs::js_strdup(raw, name.as_ptr()) } {
            copy if copy.is_null() => Err(Error::Exception),
            copy => Ok(copy),
        }
    })
}

unsafe extern "C" fn load(
    raw: *mut qjs::JSContext,
    name: *const c_char,
    opaque: *mut c_void,
) -> *mut qjs::JSModuleDef {
    // SAFETY: as in `normalize`.
    let (ctx, modules, name) = unsafe {
        let ctx = Ctx::from_raw(std::ptr::NonNull::new_unchecked(raw));
        (ctx, &*opaque.cast::<Modules>(), CStr::from_ptr(name))
    };
    guarded(&ctx, null_mut(), || modules.load(&ctx, &name.to_string_lossy()))
}

unsafe extern "C" fn evaluate_native(raw: *mut qjs::JSContext, module: *mut qjs::JSModuleDef) -> c_int {
    // SAFETY: QuickJS calls with a live context.
    let ctx = unsafe { Ctx::from_raw(std::ptr::NonNull::new_unchecked(raw)) };
    guarded(&ctx, -1, || {
        let native = Running::of(&ctx).modules.natives.borrow_mut().remove(&module);
        let NativeModule { names, make } = native.expect("a native module is evaluated once");
        let exports = make(&ctx)?;
        for name in &names {
            let value = match (name.as_str(), exports.as_object()) {
                ("default", _) => exports.clone(),
                (name, Some(object)) => object.get::<_, Value>(name)?,
                (_, None) => Value::new_undefined(ctx.clone()),
            };
            let name = CString::new(name.as_str())?;
            let reference = value.as_raw();
            // SAFETY: the call takes the one reference that is added for it.
            unsafe {
                qjs::JS_SetModuleExport(raw, module, name.as_ptr(), qjs::JS_DupValue(raw, reference));
            }
        }
        Ok(0)
    })
}

/// Runs what C called: an error becomes an exception, a panic one that says so.
fn guarded<T>(ctx: &Ctx<'_>, failed: T, body: impl FnOnce() -> Result<T>) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => value,
        Ok(Err(Error::Exception)) => failed,
        Ok(Err(error)) => {
            Exception::throw_message(ctx, &error.to_string());
            failed
        }
        Err(_) => {
            Exception::throw_internal(ctx, "a native module of this program panicked");
            failed
        }
    }
}
