//! The policy file: JSON with what the module reads, and under `host` what the host alone reads.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{HostError, HostErrorCode};
use crate::limits::POLICY_BYTES_MAX;
use crate::pack::{self, Packer};
use crate::transcode;

/// A policy file, taken apart. Both parts are MessagePack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFile {
    /// For the module ([`crate::HostBuilder::policy_bytes`]), which judges it.
    pub module: Vec<u8>,
    /// What stands under `host`, if anything does.
    pub host: Option<Vec<u8>>,
}

impl PolicyFile {
    /// Reads a policy file.
    ///
    /// # Errors
    /// `policy_unreadable`.
    pub fn read(path: &Path) -> Result<Self, HostError> {
        let mut json = Vec::new();
        let most = u64::try_from(POLICY_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
        let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut json));
        read.map_err(|e| {
            let text = format!("the policy `{}` can't be read: {e}", path.display());
            HostError::new(HostErrorCode::PolicyUnreadable, text).with_source(e)
        })?;
        PolicyFile::parse(&json)
    }

    /// Takes the JSON of a policy file apart.
    ///
    /// # Errors
    /// `policy_unreadable`.
    pub fn parse(json: &[u8]) -> Result<Self, HostError> {
        let unreadable = |text: String| HostError::new(HostErrorCode::PolicyUnreadable, text);
        if json.len() > POLICY_BYTES_MAX {
            return Err(unreadable(format!("the policy has more than {POLICY_BYTES_MAX} bytes")));
        }
        let whole = transcode::json_to_msgpack(json)
            .map_err(|e| unreadable("the policy is no valid JSON".to_owned()).with_source(e))?;
        let entries = pack::entries(&whole).map_err(|_| unreadable("the policy is no JSON object".to_owned()))?;
        let host = pack::find(&entries, "host").map(<[u8]>::to_vec);
        let kept: Vec<_> = entries.iter().filter(|(key, _)| *key != "host").collect();
        let mut module = Packer::map(kept.len());
        for (key, value) in kept {
            module.text(key);
            module.raw(value);
        }
        Ok(PolicyFile { module: module.done(), host })
    }
}
