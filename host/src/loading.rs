//! A model on its way into every instance of a host.

use std::sync::Arc;
use std::thread;

use wasmtime::InstancePre;

use crate::builder::Settings;
use crate::error::{HostError, HostErrorCode};
use crate::hex::sha256_hex;
use crate::instance::{Content, Deadlines, Guest, Instance};

/// A model as the host keeps it: for rebuilding instances, and for those who fetch it.
#[derive(Clone)]
pub(crate) struct LoadedModel {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) sha256: Arc<str>,
    pub(crate) model_id: Arc<str>,
    pub(crate) policy_id: Option<Arc<str>>,
    pub(crate) generation: u64,
}

impl LoadedModel {
    pub(crate) fn new(bytes: Vec<u8>, instances: &[Instance], generation: u64) -> Result<Self, HostError> {
        let mut ids = instances.iter().map(Instance::model_id);
        let model_id = ids
            .next()
            .cloned()
            .ok_or_else(|| HostError::new(HostErrorCode::Internal, "no instance was started".to_owned()))?;
        if ids.any(|other| *other != model_id) {
            let text = "the instances disagree about the model's id".to_owned();
            return Err(HostError::new(HostErrorCode::GuestBadResult, text));
        }
        let policy_id = instances.first().and_then(Instance::policy_id).cloned();
        let sha256 = sha256_hex(&bytes).into();
        Ok(LoadedModel { bytes: bytes.into(), sha256, model_id, policy_id, generation })
    }
}

/// Starts every instance with the model: one first, so that an unfit model is refused at once, then the others side by side.
pub(crate) fn start_all(
    pre: &InstancePre<Guest>,
    settings: &Settings,
    deadlines: Deadlines,
    content: &Content<'_>,
) -> Result<Vec<Instance>, HostError> {
    let start = || Instance::start(pre, settings.memory_bytes_max, deadlines, content);
    let mut instances = vec![start()?];
    let others = thread::scope(|scope| {
        let running: Vec<_> = (1..settings.instances).map(|_| scope.spawn(start)).collect();
        running.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
    });
    for other in others {
        let instance = other.map_err(|_| HostError::new(HostErrorCode::Internal, "starting an instance panicked"))?;
        instances.push(instance?);
    }
    Ok(instances)
}
