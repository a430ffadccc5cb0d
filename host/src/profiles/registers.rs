//! Consents, traits and links in.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::apply::{Applied, Input};
use super::{Profiles, bad_answer, check_id, invalid, required_id};
use crate::error::{HostError, HostErrorCode};
use crate::limits::REGISTERS_MAX;
use crate::pack::{self, Packer};

/// What a customer or the shop says of a profile, as last-writer-wins registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registers {
    /// `{"profile_id", "consents": [{"purpose", "channel"?, "granted", "ts_ms", "writer"?}]}`.
    Consents,
    /// `{"profile_id", "traits": [{"name", "value", "purpose", "ts_ms", "writer"?}]}`.
    Traits,
    /// `{"profile_id", "links": [{"profile_id", "linked", "ts_ms", "writer"?}]}`: each is written into both profiles, since a
    /// link counts while both hold it.
    Links,
}

impl Registers {
    fn name(self) -> &'static str {
        match self {
            Registers::Consents => "consents",
            Registers::Traits => "traits",
            Registers::Links => "links",
        }
    }
}

impl Profiles {
    /// Writes consents, traits or links of one profile. Answers `{"refused": [{"field", "code", "message"}], "warnings":
    /// [...]}`, or the module's `{"error"}`, with which nothing was written. To send them again does no harm.
    ///
    /// # Errors
    /// `invalid_request`, those of the store and those of [`crate::Host::decide`]. Of a link one side may have been written
    /// nevertheless, which then does not count: send it again.
    pub fn set(&self, now_ms: i64, registers: Registers, input: &[u8]) -> Result<Vec<u8>, HostError> {
        let name = registers.name();
        let form = format!("a request is a map with `profile_id` and `{name}`, a list");
        let input = self.named(input)?;
        let entries = pack::entries(&input).map_err(|_| invalid(form.as_str(), ""))?;
        let profile_id = required_id(&entries, &form)?;
        let list = pack::find(&entries, name).ok_or_else(|| invalid(form.as_str(), name))?;
        let items = pack::items(list).map_err(|_| invalid(form.as_str(), name))?;
        if items.len() > REGISTERS_MAX {
            let text = format!("{} of `{name}`; registers_max is {REGISTERS_MAX}", items.len());
            return Err(HostError::new(HostErrorCode::LimitExceeded, text).in_field(name));
        }
        let links = match registers {
            Registers::Links => self.named_links(&items)?,
            _ => Vec::new(),
        };
        let list = match registers {
            Registers::Links => list_of(&links),
            _ => list.to_vec(),
        };
        let mut inputs = vec![Input { profile_id, values: vec![(name, list)] }];
        inputs.extend(other_sides(profile_id, &links));
        let mut applied = self.apply(now_ms, &inputs)?.into_iter();
        let own = applied.next().ok_or_else(|| bad_answer("profile_apply"))??;
        let (mut refused, mut warnings) = match own {
            Applied::Refused(error) => return Ok(error_answer(&error)),
            Applied::Done { refused, warnings, .. } => (refused, warnings),
        };
        let sound = refused.is_empty();
        for other in applied {
            match other? {
                // What is wrong with the request itself was said of the profile's own side already.
                Applied::Done { refused: more, .. } if sound => refused.extend(more),
                Applied::Done { .. } => {}
                Applied::Refused(error) if sound => return Ok(error_answer(&error)),
                Applied::Refused(_) => {}
            }
        }
        warnings.dedup();
        let mut answer = Packer::map(2);
        answer.text("refused");
        answer.raws(&refused);
        answer.text("warnings");
        answer.raws(&warnings);
        Ok(answer.done())
    }

    /// Links, each with a profile id in the place of an identity.
    fn named_links<'a>(&self, links: &[&'a [u8]]) -> Result<Vec<Cow<'a, [u8]>>, HostError> {
        let named = |(at, link): (usize, &&'a [u8])| {
            self.named(link).map_err(|e| {
                let field = format!("links[{at}].{}", e.field());
                e.in_field(field)
            })
        };
        links.iter().enumerate().map(named).collect()
    }
}

fn list_of(links: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut list = Packer::array(links.len());
    links.iter().for_each(|link| list.raw(link.as_ref()));
    list.done()
}

/// The links as the profiles at their other ends say them: the same, with the first profile's id.
fn other_sides<'a>(profile_id: &str, links: &'a [Cow<'_, [u8]>]) -> Vec<Input<'a>> {
    let mut sides: BTreeMap<&str, Vec<Vec<u8>>> = BTreeMap::new();
    for link in links {
        let Ok(entries) = pack::entries(link) else { continue };
        let other = pack::find(&entries, "profile_id").and_then(pack::text);
        let Some(other) = other.filter(|other| *other != profile_id && check_id(other).is_ok()) else { continue };
        let mut mirrored = Packer::map(entries.len());
        for (key, value) in entries {
            mirrored.text(key);
            match key {
                "profile_id" => mirrored.text(profile_id),
                _ => mirrored.raw(value),
            }
        }
        sides.entry(other).or_default().push(mirrored.done());
    }
    let input =
        |(profile_id, links): (&'a str, Vec<Vec<u8>>)| Input { profile_id, values: vec![("links", list_of(&links))] };
    sides.into_iter().map(input).collect()
}

fn error_answer(error: &[u8]) -> Vec<u8> {
    let mut answer = Packer::map(1);
    answer.text("error");
    answer.raw(error);
    answer.done()
}
