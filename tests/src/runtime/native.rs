//! Native code: the core as a library.

use super::Runtime;
use crate::oracle::hex;
use crate::suite::{Call, Suite};
use anyhow::{Context, Result};
use unisono_core::{
    Model, Policy, profile_apply, profile_component, profile_erase, profile_export, profile_merge, recommend,
    token_apply, token_write,
};

/// The core, called directly.
#[derive(Clone, Copy, Debug)]
pub struct Native;

impl Runtime for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn answer_all(&mut self, suite: &Suite) -> Result<Vec<Vec<u8>>> {
        let loaded: Result<Vec<Model<'_>>, _> = suite.models.iter().map(|model| Model::load(&model.file)).collect();
        let loaded = loaded.context("a model of the suite does not load")?;
        let given: Result<Vec<Policy>, _> = suite.policies.iter().map(|policy| Policy::load(policy)).collect();
        let mut policies = vec![Policy::default()];
        policies.extend(given.context("a policy of the suite does not load")?);
        let policy = |case: &crate::suite::Case| &policies[case.policy as usize];
        let answer = |case: &crate::suite::Case| match case.call {
            Call::Recommend => recommend(&loaded[case.model as usize], policy(case), &case.input),
            Call::ProfileApply => profile_apply(policy(case), &case.input),
            Call::ProfileMerge => profile_merge(&case.input),
            Call::ProfileErase => profile_erase(&case.input),
            Call::ProfileExport => profile_export(policy(case), &case.input),
            Call::ProfileComponent => profile_component(&case.input),
            Call::TokenWrite => token_write(policy(case), &case.input),
            Call::TokenApply => token_apply(policy(case), &case.input),
            Call::Load => match Model::load(&case.input) {
                Ok(model) => hex(&model.model_id).into_bytes(),
                Err(error) => format!("{} {}", error.code(), error.field()).into_bytes(),
            },
        };
        Ok(suite.cases.iter().map(answer).collect())
    }

    fn module_id(&self) -> Option<String> {
        None
    }
}
