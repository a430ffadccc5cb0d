//! The module's plain exports, without a host between: what a host never lets happen.

use crate::golden::golden;
use unisono_message::{ErrorCode, limits};
use unisono_tests::runtime::module;
use unisono_tests::value::{Value, decode, encode, field, int, list, map, strings, text};
use wasmtime::{Config, Engine, Instance, Memory, Module, Store, TypedFunc};

struct Guest {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
}

impl Guest {
    /// None, said loudly, where no module was built.
    fn start() -> Option<Guest> {
        Guest::start_with(&Config::new())
    }

    fn start_with(config: &Config) -> Option<Guest> {
        let bytes = module().inspect_err(|why| eprintln!("*** SKIPPED: {why:#} ***")).ok()?;
        let engine = Engine::new(config).unwrap();
        let module = Module::new(&engine, bytes).unwrap();
        assert_eq!(module.imports().count(), 0, "the module imports nothing");
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        Some(Guest { store, instance, memory })
    }

    fn function<P: wasmtime::WasmParams, R: wasmtime::WasmResults>(&mut self, name: &str) -> TypedFunc<P, R> {
        self.instance.get_typed_func(&mut self.store, name).unwrap()
    }

    fn alloc(&mut self, length: u32) -> u32 {
        self.function::<u32, u32>("alloc").call(&mut self.store, length).unwrap()
    }

    fn give(&mut self, bytes: &[u8]) -> (u32, u32) {
        let pointer = self.alloc(bytes.len() as u32);
        assert_ne!(pointer, 0);
        assert_eq!(pointer % 16, 0, "buffers are aligned");
        self.memory.write(&mut self.store, pointer as usize, bytes).unwrap();
        (pointer, bytes.len() as u32)
    }

    fn take(&mut self, packed: u64) -> Value {
        let (pointer, length) = ((packed >> 32) as u32, packed as u32);
        let mut bytes = vec![0; length as usize];
        self.memory.read(&self.store, pointer as usize, &mut bytes).unwrap();
        self.function::<(u32, u32), ()>("free").call(&mut self.store, (pointer, length)).unwrap();
        decode(&bytes).unwrap()
    }

    fn load(&mut self, file: &[u8]) -> Value {
        let buffer = self.give(file);
        let packed = self.function::<(u32, u32), u64>("load_model").call(&mut self.store, buffer).unwrap();
        self.take(packed)
    }

    fn recommend(&mut self, handle: u32, request: &[u8]) -> Value {
        let (pointer, length) = self.give(request);
        let call = self.function::<(u32, u32, u32, u32), u64>("recommend");
        let packed = call.call(&mut self.store, (handle, 0, pointer, length)).unwrap();
        self.function::<(u32, u32), ()>("free").call(&mut self.store, (pointer, length)).unwrap();
        self.take(packed)
    }

    fn drop_handle(&mut self, handle: u32) -> u32 {
        self.function::<u32, u32>("drop_handle").call(&mut self.store, handle).unwrap()
    }
}

fn handle(answer: &Value) -> u32 {
    field(answer, "handle").and_then(int).unwrap_or_else(|| panic!("no handle in {answer}")) as u32
}

fn code(answer: &Value) -> Option<&str> {
    text(field(answer, "error")?, "code")
}

#[test]
fn a_handle_that_names_no_model_is_unknown() {
    let Some(mut guest) = Guest::start() else { return };
    let request = golden("request.msgpack");
    let answer = guest.recommend(7, &request);
    assert_eq!(code(&answer), Some(ErrorCode::UnknownHandle.as_str()));
    let first = guest.load(&golden("model.unisono"));
    let first = handle(&first);
    assert!(code(&guest.recommend(first, &request)).is_none());
    assert_eq!((guest.drop_handle(first), guest.drop_handle(first)), (1, 0));
    assert_eq!(code(&guest.recommend(first, &request)), Some(ErrorCode::UnknownHandle.as_str()));
    let second = guest.load(&golden("model.unisono"));
    assert_ne!(handle(&second), first, "a handle never comes back");
    assert_eq!(code(&guest.recommend(first, &request)), Some(ErrorCode::UnknownHandle.as_str()));
}

#[test]
fn an_instance_holds_as_many_models_as_its_limit_says() {
    let Some(mut guest) = Guest::start() else { return };
    let file = golden("model.unisono");
    let handles: Vec<u32> = (0..limits::HANDLES_MAX).map(|_| handle(&guest.load(&file))).collect();
    assert_eq!(code(&guest.load(&file)), Some(ErrorCode::HandlesExhausted.as_str()));
    assert_eq!(guest.drop_handle(handles[5]), 1);
    assert!(code(&guest.load(&file)).is_none(), "room again");
}

#[test]
fn memory_beyond_the_limit_is_refused_and_nothing_is_lost() {
    let Some(mut guest) = Guest::start() else { return };
    let model = handle(&guest.load(&golden("model.unisono")));
    let before = guest.recommend(model, &golden("request.msgpack"));
    assert_eq!(guest.alloc(limits::ALLOC_BYTES_MAX as u32 + 1), 0);
    assert_eq!(guest.alloc(u32::MAX), 0);
    assert_eq!(guest.recommend(model, &golden("request.msgpack")), before);
}

/// The code `allocation_refused` is what a host says when the module has no room for an input.
#[test]
fn a_host_says_when_the_module_has_no_memory_for_a_request() {
    let Ok(bytes) = module() else { return };
    let builder = unisono_host::HostBuilder::new().module_bytes(bytes).model_bytes(golden("model.unisono"));
    let host = builder.instances(1).memory_bytes_max(4 << 20).build().unwrap();
    let error = host.decide(&vec![0xc0; limits::REQUEST_BYTES_MAX]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::AllocationRefused.as_str());
    assert!(host.decide(&golden("request.msgpack")).is_ok(), "the instance serves on");
}

#[test]
fn a_request_over_its_limit_has_the_same_code_in_the_host_and_natively() {
    let Ok(bytes) = module() else { return };
    let builder = unisono_host::HostBuilder::new().module_bytes(bytes).model_bytes(golden("model.unisono"));
    let host = builder.instances(1).build().unwrap();
    let file = golden("model.unisono");
    let model = unisono_core::Model::load(&file).unwrap();
    let body = vec![0xc0; 10_000_000];
    let native = decode(&unisono_core::recommend(&model, &unisono_core::Policy::default(), &body)).unwrap();
    assert_eq!(code(&native), Some(ErrorCode::LimitExceeded.as_str()));
    assert_eq!(host.decide(&body).unwrap_err().code(), ErrorCode::LimitExceeded.as_str());
}

/// Steps are counted, not time: the same on every machine. The ids rise, so that none has to make room for another: moving
/// bytes costs a step each here, and next to nothing in fact.
#[test]
fn the_work_of_a_page_grows_with_what_it_is_given_and_not_with_its_square() {
    let Some(mut guest) = Guest::start_with(Config::new().consume_fuel(true)) else { return };
    guest.store.set_fuel(u64::MAX).unwrap();
    let model = guest.load(&golden("model.unisono"));
    let model = handle(&model);
    let mut steps = |placements: usize| {
        let one = |at: usize| {
            let ids: Vec<String> = (0..5_000).map(|id| format!("u{:06}", id + at * 1_000)).collect();
            let (kind, candidates) = (Value::from("rerank"), strings(&ids));
            map(vec![("id", format!("p{at}").into()), ("kind", kind), ("k", 1_000.into()), ("candidates", candidates)])
        };
        let placements = Value::Array((0..placements).map(one).collect());
        let request = map(vec![("now_ms", 1_700_000_000_000i64.into()), ("placements", placements)]);
        let before = guest.store.get_fuel().unwrap();
        let answer = guest.recommend(model, &encode(&request));
        assert!(list(&answer, "placements").iter().all(|one| list(one, "recommendations").len() == 1_000));
        before - guest.store.get_fuel().unwrap()
    };
    let (few, many) = (steps(4), steps(32));
    eprintln!("4 placements take {few} steps, 32 take {many}: {:.1} times as many", many as f64 / few as f64);
    assert!(many < 10 * few);
}
