//! Case files: `tests/cases/*.json`, each a model, a request or several that must be answered alike, and the response.
//!
//! ```json
//! {"spec_version": 1, "name": "a sentence", "why": "a sentence or two", "model": "shop",
//!  "call": "recommend", "request": {..}, "response": {..}}
//! ```
//! `model` is the name of a file in `cases/models`, or `{"base": "shop", ..}` with what differs, or a whole description
//! (see `model.rs`); `call` is `recommend` where it is absent, else `profile_apply`, `profile_merge`, `profile_erase`,
//! `profile_export` or `profile_component`. `policy` is a policy's map, the default policy where it is absent. In place
//! of `request` there may be `requests`, a list. How JSON stands for MessagePack is told in `codec.rs`; the response's bytes
//! are those of its JSON, to the last bit.

pub mod codec;
pub mod json;
pub mod model;

use crate::suite::{self, Call, Expect, Suite, SuiteModel};
use anyhow::{Context, Result, ensure};
use json::Json;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use unisono_core::model::ModelParts;

/// The version of the format of case files.
pub const SPEC_VERSION: i64 = 1;

/// A case file, read.
#[derive(Clone, Debug)]
pub struct CaseFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it shows, a sentence.
    pub name: String,
    /// What is called.
    pub call: Call,
    /// The model's parts.
    pub parts: Arc<ModelParts>,
    /// The policy; none for the default one.
    pub policy: Option<Vec<u8>>,
    /// The inputs, all to be answered alike.
    pub inputs: Vec<Vec<u8>>,
    /// The wanted answer; none before the first blessing.
    pub response: Option<Vec<u8>>,
    json: Json,
}

impl CaseFile {
    /// Reads a file.
    ///
    /// # Errors
    /// Where it is not of the form above.
    pub fn read(path: &Path) -> Result<CaseFile> {
        let text = fs::read_to_string(path)?;
        let json = Json::parse(&text)?;
        ensure!(json.get("spec_version").and_then(Json::int) == Some(SPEC_VERSION), "`spec_version` is {SPEC_VERSION}");
        let name = json.get("name").and_then(Json::text).context("a case has a name")?.to_owned();
        ensure!(json.get("why").and_then(Json::text).is_some(), "a case says why it is there");
        let call = match json.get("call").map(|call| call.text().unwrap_or_default()) {
            None | Some("recommend") => Call::Recommend,
            Some("profile_apply") => Call::ProfileApply,
            Some("profile_merge") => Call::ProfileMerge,
            Some("profile_erase") => Call::ProfileErase,
            Some("profile_export") => Call::ProfileExport,
            Some("profile_component") => Call::ProfileComponent,
            Some("token_write") => Call::TokenWrite,
            Some("token_apply") => Call::TokenApply,
            Some(other) => anyhow::bail!("`{other}` is no call"),
        };
        let requests = match (json.get("request"), json.get("requests")) {
            (Some(one), None) => std::slice::from_ref(one),
            (None, Some(several)) => several.list(),
            _ => anyhow::bail!("a case has either `request` or `requests`"),
        };
        let folder = path.parent().context("a file lies in a folder")?;
        Ok(CaseFile {
            path: path.to_owned(),
            name,
            call,
            parts: Arc::new(described(folder, json.get("model"))?),
            policy: json.get("policy").map(codec::to_msgpack).transpose()?,
            inputs: requests.iter().map(codec::to_msgpack).collect::<Result<_>>()?,
            response: json.get("response").map(codec::to_msgpack).transpose()?,
            json,
        })
    }

    /// Every file of a folder, by name.
    ///
    /// # Errors
    /// Where one is not of the form above.
    pub fn read_all(folder: &Path) -> Result<Vec<CaseFile>> {
        let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        paths.iter().map(|path| CaseFile::read(path).with_context(|| path.display().to_string())).collect()
    }

    /// Writes the file with this response.
    ///
    /// # Errors
    /// Where the answer holds what no answer holds, or the file can't be written.
    pub fn bless(&self, response: &[u8]) -> Result<()> {
        let Json::Map(mut pairs) = self.json.clone() else { anyhow::bail!("a case is a map") };
        pairs.retain(|pair| pair.0 != "response");
        let response_json = codec::to_json(&crate::value::decode(response)?)?;
        ensure!(codec::to_msgpack(&response_json)? == response, "the JSON of the response does not give its bytes");
        pairs.push(("response".into(), response_json));
        fs::write(&self.path, Json::Map(pairs).pretty())?;
        Ok(())
    }
}

/// All inputs of all files as a suite, a case an input, in order.
///
/// # Errors
/// Where a described model does not load.
pub fn suite(files: &[CaseFile]) -> Result<Suite> {
    let mut suite = Suite::default();
    for file in files {
        let model = match suite.models.iter().position(|model| model.parts == file.parts) {
            Some(at) => at,
            None => {
                let bytes = unisono_core::model::encode(&file.parts).with_context(|| file.name.clone())?;
                suite.models.push(SuiteModel { file: bytes, parts: file.parts.clone() });
                suite.models.len() - 1
            }
        };
        let policy = match &file.policy {
            None => 0,
            Some(policy) => match suite.policies.iter().position(|other| other == policy) {
                Some(at) => at + 1,
                None => {
                    suite.policies.push(policy.clone());
                    suite.policies.len()
                }
            },
        };
        for input in &file.inputs {
            let (call, input) = (file.call, input.clone());
            let (model, policy) = (model as u32, policy as u32);
            suite.cases.push(suite::Case { call, model, policy, input, expect: Expect::Anything });
        }
    }
    Ok(suite)
}

fn described(folder: &Path, model: Option<&Json>) -> Result<ModelParts> {
    let named = |name: &str| -> Result<Json> {
        let path = folder.join("models").join(format!("{name}.json"));
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(Json::parse(&text)?)
    };
    let description = match model {
        None => return Ok(ModelParts::default()),
        Some(Json::Text(name)) => named(name)?,
        Some(json) => match json.get("base").and_then(Json::text) {
            None => json.clone(),
            Some(base) => {
                let Json::Map(mut pairs) = named(base)? else { anyhow::bail!("a model is a map") };
                pairs.retain(|pair| json.get(&pair.0).is_none());
                pairs.extend(json.pairs().iter().filter(|pair| pair.0 != "base").cloned());
                Json::Map(pairs)
            }
        },
    };
    model::parts(&description)
}
