//! wasmtime, as operators run it: the host's library over the module's file.

use super::Runtime;
use crate::suite::{Call, Suite, SuiteModel};
use anyhow::{Result, bail};
use unisono_core::model::{ModelParts, encode};
use unisono_host::{Host, HostBuilder, HostErrorCode};

/// A host with one instance.
pub struct Edge {
    host: Host,
    module: Vec<u8>,
}

impl Edge {
    /// Starts a host on a module, with an empty model.
    ///
    /// # Errors
    /// When the host refuses the module.
    pub fn start(module: &[u8]) -> Result<Edge> {
        Ok(Edge { host: host(module, None)?, module: module.to_vec() })
    }

    /// The host, for what only a host can be asked.
    pub fn host(&self) -> &Host {
        &self.host
    }

    fn load(&self, file: &[u8]) -> Result<Vec<u8>> {
        match self.host.swap_model(file) {
            Ok(model_id) => Ok(model_id.as_bytes().to_vec()),
            Err(error) if error.kind() == HostErrorCode::ModelRefused => {
                Ok(format!("{} {}", error.module_code().unwrap_or_default(), error.field()).into_bytes())
            }
            Err(error) => bail!("{error}"),
        }
    }

    fn answer_of_model(
        &self,
        suite: &Suite,
        policy: usize,
        at: usize,
        model: &SuiteModel,
        out: &mut [Vec<u8>],
    ) -> Result<()> {
        let of_model = |case: &&crate::suite::Case| (case.model as usize, case.policy as usize) == (at, policy);
        if suite.cases.iter().any(|case| of_model(&case)) {
            self.host.swap_model(model.file.clone())?;
        }
        for (case, answer) in suite.cases.iter().zip(out).filter(|(case, _)| of_model(case)) {
            *answer = match case.call {
                Call::Recommend => self.host.decide(&case.input)?,
                Call::ProfileApply => self.host.profile_apply(&case.input)?,
                Call::ProfileMerge => self.host.profile_merge(&case.input)?,
                Call::ProfileErase => self.host.profile_erase(&case.input)?,
                Call::ProfileExport => self.host.profile_export(&case.input)?,
                Call::ProfileComponent => self.host.profile_component(&case.input)?,
                Call::TokenWrite => self.host.token_write(&case.input)?,
                Call::TokenApply => self.host.token_apply(&case.input)?,
                Call::Load => continue,
            };
        }
        Ok(())
    }
}

/// A host with one instance and an empty model.
fn host(module: &[u8], policy: Option<Vec<u8>>) -> Result<Host> {
    let builder = HostBuilder::new().module_bytes(module).model_bytes(encode(&ModelParts::default())?);
    let builder = builder.instances(1).deadline_ms(60_000);
    Ok(match policy {
        Some(policy) => builder.policy_bytes(policy),
        None => builder,
    }
    .build()?)
}

impl Runtime for Edge {
    fn name(&self) -> &'static str {
        "wasmtime"
    }

    fn answer_all(&mut self, suite: &Suite) -> Result<Vec<Vec<u8>>> {
        let mut out = vec![Vec::new(); suite.cases.len()];
        // One model after the other: a host serves one at a time, and a swap costs more than a call. Its policy is its own.
        let mut faults = 0;
        for policy in 0..=suite.policies.len() {
            let other = policy.checked_sub(1).map(|at| host(&self.module, suite.policies.get(at).cloned()));
            let of_policy = Edge { host: other.transpose()?.unwrap_or(self.host.clone()), module: Vec::new() };
            for (at, model) in suite.models.iter().enumerate() {
                of_policy.answer_of_model(suite, policy, at, model, &mut out)?;
            }
            faults += of_policy.host.health().faults;
        }
        for (case, answer) in suite.cases.iter().zip(&mut out).filter(|(case, _)| case.call == Call::Load) {
            *answer = self.load(&case.input)?;
        }
        anyhow::ensure!(faults == 0, "the module faulted {faults} times");
        Ok(out)
    }

    fn module_id(&self) -> Option<String> {
        Some(self.host.module_id().to_owned())
    }
}
