//! Consents, traits and links in.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::apply::{Applied, Input};
use super::{Profiles, bad_answer, check_id, invalid, only_known, required_id};
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
    /// link counts while both say so.
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
    /// [...]}`, or the module's `{"error"}`, with which nothing was written of this profile. To send them again does no harm.
    ///
    /// # Errors
    /// `invalid_request`, those of the store and those of [`crate::Host::decide`]. Of a link one side may have been written
    /// nevertheless, also where the other side refuses it, which then does not count: send it again.
    pub fn set(&self, now_ms: i64, registers: Registers, input: &[u8]) -> Result<Vec<u8>, HostError> {
        let name = registers.name();
        let form = format!("a request is a map with `profile_id` and `{name}`, a list");
        let input = self.named(input)?;
        let entries = pack::entries(&input).map_err(|_| invalid(form.as_str(), ""))?;
        only_known(&entries, &["profile_id", name])?;
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
        let (others, places): (Vec<Input<'_>>, Vec<Vec<usize>>) = other_sides(profile_id, &links).into_iter().unzip();
        inputs.extend(others);
        let mut applied = self.apply(now_ms, &inputs)?.into_iter();
        let own = applied.next().ok_or_else(|| bad_answer("profile_apply"))??;
        let (mut refused, mut warnings) = match own {
            Applied::Refused(error) => return Ok(error_answer(&error)),
            Applied::Done { refused, warnings, .. } => (refused, warnings),
        };
        // What is wrong with the request itself was said of the profile's own side already.
        let told: Vec<usize> = refused.iter().filter_map(|one| place_of(one, name)).collect();
        for (other, places) in applied.zip(places) {
            match other? {
                Applied::Done { refused: more, .. } => {
                    let of_request = more.iter().filter_map(|one| {
                        let at = place_of(one, name).and_then(|at| places.get(at).copied())?;
                        (!told.contains(&at)).then(|| at_place(one, name, at))
                    });
                    refused.extend(of_request);
                }
                Applied::Refused(error) => {
                    let untold = places.iter().filter(|at| !told.contains(at));
                    refused.extend(untold.map(|at| at_place(&error, name, *at)));
                }
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
        let named = |(at, link): (usize, &&'a [u8])| self.named(link).map_err(|e| e.within(&format!("links[{at}]")));
        links.iter().enumerate().map(named).collect()
    }
}

fn list_of(links: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut list = Packer::array(links.len());
    links.iter().for_each(|link| list.raw(link.as_ref()));
    list.done()
}

/// Which of a list's items an error is about: of `links[3].ts_ms`, 3.
pub(super) fn place_of(error: &[u8], name: &str) -> Option<usize> {
    let entries = pack::entries(error).ok()?;
    let field = pack::find(&entries, "field").and_then(pack::text)?;
    field.strip_prefix(name)?.strip_prefix('[')?.split_once(']')?.0.parse().ok()
}

/// The same error about another item, or about an item where it was about a whole profile.
fn at_place(error: &[u8], name: &str, at: usize) -> Vec<u8> {
    let entries = pack::entries(error).unwrap_or_default();
    let word = |key: &str| pack::find(&entries, key).and_then(pack::text).unwrap_or_default();
    let within = word("field").strip_prefix(name).and_then(|field| field.split_once(']')).map_or("", |(_, rest)| rest);
    in_field(error, &format!("{name}[{at}]{within}"))
}

/// The same error about another field.
pub(super) fn in_field(error: &[u8], field: &str) -> Vec<u8> {
    let entries = pack::entries(error).unwrap_or_default();
    let word = |key: &str| pack::find(&entries, key).and_then(pack::text).unwrap_or_default();
    let mut moved = Packer::map(3);
    for (key, text) in [("code", word("code")), ("message", word("message")), ("field", field)] {
        moved.text(key);
        moved.text(text);
    }
    moved.done()
}

/// The links as the profiles at their other ends say them: the same, with the first profile's id; and which of the request's
/// links they are.
fn other_sides<'a>(profile_id: &str, links: &'a [Cow<'_, [u8]>]) -> Vec<(Input<'a>, Vec<usize>)> {
    let mut sides: BTreeMap<&str, (Vec<Vec<u8>>, Vec<usize>)> = BTreeMap::new();
    for (at, link) in links.iter().enumerate() {
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
        let (links, places) = sides.entry(other).or_default();
        links.push(mirrored.done());
        places.push(at);
    }
    let side = |(profile_id, (links, places)): (&'a str, (Vec<Vec<u8>>, Vec<usize>))| {
        (Input { profile_id, values: vec![("links", list_of(&links))] }, places)
    };
    sides.into_iter().map(side).collect()
}

fn error_answer(error: &[u8]) -> Vec<u8> {
    let mut answer = Packer::map(1);
    answer.text("error");
    answer.raw(error);
    answer.done()
}
