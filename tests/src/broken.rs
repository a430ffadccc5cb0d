//! Model files that are wrong in exactly one way, with the code and the field that the refusal has to name.

use crate::plain_model::PlainModel;
use crate::value::{Value, field, map, set};
use unisono_message::ErrorCode;

/// A wrong file.
#[derive(Clone, Debug)]
pub struct BrokenModel {
    /// What is wrong, a sentence.
    pub what: String,
    /// The file.
    pub file: Vec<u8>,
    /// The code.
    pub code: ErrorCode,
    /// The section or the root's field.
    pub field: String,
}

/// Every known way in which a sound file can be wrong, hashes recomputed where they are not what is wrong.
pub fn broken_models(sound: &[u8]) -> Vec<BrokenModel> {
    let plain = PlainModel::read(sound).expect("a sound file");
    let mut all = Makings { plain, all: Vec::new() };
    all.root();
    all.versions_and_ids();
    all.tables();
    all.entries();
    all.contents();
    if all.plain.place("segments.weights").is_some() {
        all.segments();
    }
    if all.plain.place("trees.next_nodes").is_some() {
        all.trees();
    }
    if all.plain.place("sessions.items").is_some() {
        all.sessions();
    }
    all.all
}

struct Makings {
    plain: PlainModel,
    all: Vec<BrokenModel>,
}

/// Sections that hold indices, and the width of an element: two bytes for categories, four for items.
const INDICES: [(&str, usize); 6] = [
    ("items.category", 2),
    ("popularity.channel_items", 4),
    ("neighbours.bought_items", 4),
    ("neighbours.next_items", 4),
    ("offers.items", 4),
    ("offers.category", 2),
];
/// Sections without which every file with offers and categories is refused.
const REQUIRED: [&str; 8] = [
    "items.category",
    "items.flags",
    "popularity.all",
    "popularity.repeat",
    "popularity.channel_offsets",
    "neighbours.bought_offsets",
    "neighbours.next_weights",
    "offers.caps",
];

impl Makings {
    fn add(&mut self, what: &str, code: ErrorCode, field: &str, change: impl FnOnce(&mut PlainModel)) {
        let mut plain = self.plain.clone();
        change(&mut plain);
        self.push(what, code, field, plain.write());
    }

    fn push(&mut self, what: &str, code: ErrorCode, field: &str, file: Vec<u8>) {
        self.all.push(BrokenModel { what: what.to_owned(), file, code, field: field.to_owned() });
    }

    fn root(&mut self) {
        let invalid = ErrorCode::ModelRootInvalid;
        self.push("no byte at all", ErrorCode::ModelTruncated, "", Vec::new());
        self.push("a list in place of the root", invalid, "", vec![0x90]);
        self.push("a byte that is no MessagePack", invalid, "", vec![0xc1; 64]);
        for name in ["items", "scale_bits", "next", "sections"] {
            self.add(&format!("no `{name}`"), invalid, name, |plain| {
                let Value::Map(pairs) = &mut plain.root else { return };
                pairs.retain(|pair| pair.0.as_str() != Some(name));
            });
        }
        for (name, value) in [
            ("items", Value::from(-1)),
            ("scale_bits", Value::from(33)),
            ("horizon_days", Value::from("30")),
            ("keep_unknown_items", Value::from(1)),
            ("history_items", Value::from(100_000)),
        ] {
            let what = format!("`{name}` is {value}");
            self.add(&what, invalid, name, |plain| set(&mut plain.root, name, value));
        }
        for (what, channels) in [("channels out of order", ["web", "store"]), ("a channel twice", ["web", "web"])] {
            let channels = Value::Array(channels.map(Value::from).into());
            self.add(what, invalid, "channels", |plain| set(&mut plain.root, "channels", channels));
        }
        let root_length = crate::value::encode(&self.plain.root).len();
        let mut file = self.plain.write();
        file[root_length] = 1;
        self.push("a gap after the root that is not zero", invalid, "", file);
        self.add("a key that stands twice", invalid, "items", |plain| {
            let Value::Map(pairs) = &mut plain.root else { return };
            pairs.push((Value::from("items"), Value::from(1)));
        });
    }

    fn versions_and_ids(&mut self) {
        for version in [0, 2, 1_000_000] {
            let (what, code) = (format!("version {version}"), ErrorCode::ModelVersionUnsupported);
            self.add(&what, code, "format_version", |plain| set(&mut plain.root, "format_version", version.into()));
        }
        let mut root = self.plain.root.clone();
        set(&mut root, "min_support", Value::from(77));
        let file = self.plain.write_as(&root);
        self.push("a root that was changed behind its id", ErrorCode::ModelRootInvalid, "model_id", file);
        let mut file = self.plain.write();
        file.push(0);
        self.push("a byte after the last section", ErrorCode::TrailingBytes, "", file);
        let whole = self.plain.write();
        let cut = whole[..whole.len() - 1].to_vec();
        let last = self.plain.entries().last().and_then(|entry| field(entry, "name")?.as_str().map(str::to_owned));
        self.push("the last byte is missing", ErrorCode::ModelTruncated, &last.unwrap_or_default(), cut);
    }

    fn tables(&mut self) {
        let table = |name: &str, edges: &[i64], points: &[i64]| {
            let ints = |values: &[i64]| Value::Array(values.iter().map(|value| (*value).into()).collect());
            let table = map(vec![("name", name.into()), ("edges", ints(edges)), ("points", ints(points))]);
            map(vec![("base", 0.into()), ("features", Value::Array(vec![table]))])
        };
        let place = "next.features[0]";
        for (what, blend, field) in [
            ("a feature that no one knows", table("moon_phase", &[], &[1]), format!("{place}.name")),
            ("edges that do not rise", table("own_days", &[2, 2], &[0, 1, 2]), place.to_owned()),
            ("too few points", table("own_days", &[1, 2], &[0, 1]), place.to_owned()),
            ("points beyond their bound", table("own_days", &[], &[1 << 41]), format!("{place}.points[0]")),
        ] {
            self.add(what, ErrorCode::ModelRootInvalid, &field, |plain| set(&mut plain.root, "next", blend));
        }
        let twice = {
            let mut blend = table("own_days", &[], &[1]);
            let Value::Map(pairs) = &mut blend else { unreachable!("a blend is a map") };
            let Value::Array(tables) = &mut pairs[1].1 else { unreachable!("tables are a list") };
            tables.push(tables[0].clone());
            blend
        };
        self.add("a feature with two tables", ErrorCode::ModelRootInvalid, "next.features[1]", |plain| {
            set(&mut plain.root, "next", twice);
        });
        let falling = map(vec![
            ("scores", Value::Array(vec![0.into(), 1.into()])),
            ("probabilities", Value::Array(vec![2.into(), 1.into()])),
        ]);
        self.add("probabilities that fall", ErrorCode::ModelRootInvalid, "calibrations.for_you", |plain| {
            set(&mut plain.root, "calibrations", map(vec![("for_you", falling)]));
        });
        for (what, days) in [("a longer history of no day", [0, 1]), ("longer histories that do not rise", [3, 3])] {
            let knots = |name| (name, Value::Array(vec![0.into()]));
            let band = |days: i64| map(vec![knots("scores"), knots("probabilities"), ("visits_min", days.into())]);
            let longer = Value::Array(days.map(band).into());
            let banded = map(vec![knots("scores"), knots("probabilities"), ("longer", longer)]);
            let place = format!("calibrations.for_you.longer[{}]", usize::from(days[0] > 0));
            self.add(what, ErrorCode::ModelRootInvalid, &place, |plain| {
                set(&mut plain.root, "calibrations", map(vec![("for_you", banded)]));
            });
        }
    }

    /// Of a file whose `next` has trees.
    fn trees(&mut self) {
        let (nodes, leaves) =
            (self.plain.bytes("trees.next_nodes").len() / 6, self.plain.bytes("trees.next_leaves").len() / 4);
        for (what, name, place, number) in [
            ("a root beyond the nodes", "trees.next_roots", 0, nodes as u16),
            ("a root beyond the leaves", "trees.next_roots", 0, 0x8000 | leaves as u16),
            ("a node that leads to itself", "trees.next_nodes", 2, 0),
            ("a link beyond the nodes", "trees.next_nodes", 4, nodes as u16),
            ("a link beyond the leaves", "trees.next_nodes", 4, 0x8000 | leaves as u16),
            ("a feature without bins", "trees.next_nodes", 0, 200),
        ] {
            let mut bytes = self.plain.bytes(name).to_vec();
            bytes[place..place + 2].copy_from_slice(&number.to_le_bytes());
            self.add(what, ErrorCode::ModelIndexOutOfRange, name, |plain| plain.overwrite(name, &bytes));
        }
        let roots: Vec<[u8; 2]> = self.plain.bytes("trees.next_roots").as_chunks::<2>().0.to_vec();
        let of_nodes: Vec<usize> = (0..roots.len()).filter(|at| roots[*at][1] < 0x80).collect();
        if let [first, second, ..] = of_nodes[..] {
            let mut leads_away = self.plain.bytes("trees.next_nodes").to_vec();
            leads_away[4..6].copy_from_slice(&roots[second]);
            self.add("a link into the next tree", ErrorCode::ModelIndexOutOfRange, "trees.next_nodes", |plain| {
                plain.overwrite("trees.next_nodes", &leads_away);
            });
            let mut turned = roots.clone();
            turned.swap(first, second);
            self.add("trees in no order", ErrorCode::ModelIndexOutOfRange, "trees.next_roots", |plain| {
                plain.overwrite("trees.next_roots", turned.as_flattened());
            });
            let mut rootless = roots.clone();
            rootless[first] = [0, 0x80];
            self.add("nodes of no tree", ErrorCode::ModelSectionInvalid, "trees.next_roots", |plain| {
                plain.overwrite("trees.next_roots", rootless.as_flattened());
            });
        }
        self.add("no values of nodes", ErrorCode::ModelSectionMissing, "trees.next_values", |plain| {
            plain.remove("trees.next_values");
        });
        self.add("two lists of bins for one feature", ErrorCode::ModelRootInvalid, "next_forest.bins[1]", |plain| {
            let bins = map(vec![("name", "own_days".into()), ("edges", Value::Array(vec![]))]);
            let bins = Value::Array(vec![bins.clone(), bins]);
            set(&mut plain.root, "next_forest", map(vec![("base", 0.into()), ("bins", bins)]));
        });
        self.add(
            "a forest whose bins no one knows",
            ErrorCode::ModelRootInvalid,
            "next_forest.bins[0].name",
            |plain| {
                let bins = map(vec![("name", "moon_phase".into()), ("edges", Value::Array(vec![]))]);
                set(&mut plain.root, "next_forest", map(vec![("base", 0.into()), ("bins", Value::Array(vec![bins]))]));
            },
        );
    }

    /// Of a file with sessions.
    fn sessions(&mut self) {
        let items = self.plain.bytes("items.flags").len() as u32;
        let (name, code) = ("sessions.items", ErrorCode::ModelIndexOutOfRange);
        let mut bytes = self.plain.bytes(name).to_vec();
        bytes[..4].copy_from_slice(&items.to_le_bytes());
        self.add("a session of an item that no one knows", code, name, |plain| plain.overwrite(name, &bytes));
        let (name, invalid) = ("sessions.offsets", ErrorCode::ModelSectionInvalid);
        let mut bytes = self.plain.bytes(name).to_vec();
        bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        self.add("sessions that end before they begin", invalid, name, |plain| plain.overwrite(name, &bytes));
        let wanted = ErrorCode::ModelSectionMissing;
        self.add("items of no session", wanted, name, |plain| plain.remove("sessions.offsets"));
    }

    fn entries(&mut self) {
        let invalid = ErrorCode::ModelSectionInvalid;
        let name = "popularity.all";
        self.add("a section that stands twice", invalid, name, |plain| {
            let twice = plain.entries().iter().find(|entry| crate::value::text(entry, "name") == Some(name)).cloned();
            plain.entries().extend(twice);
        });
        self.add("another type", invalid, name, |plain| plain.edit_entry(name, "dtype", "<i4".into()));
        self.add("a part of the items", ErrorCode::ModelRangesUnsupported, name, |plain| {
            plain.edit_entry(name, "end", 5.into());
        });
        self.add("items from the second one on", ErrorCode::ModelRangesUnsupported, name, |plain| {
            plain.edit_entry(name, "first", 1.into());
        });
        self.add("a place beyond the file", ErrorCode::ModelTruncated, name, |plain| {
            plain.edit_entry(name, "offset", (1 << 30).into());
        });
        self.add("a gap that is not zero", invalid, "categories.lengths", |plain| {
            let gap = plain.place("items.category").expect("items have categories").end;
            plain.data[gap] = 1;
        });
        self.add("another hash", ErrorCode::ModelSectionHash, name, |plain| {
            plain.edit_entry(name, "sha256", Value::Binary(vec![7; 32]));
        });
        for name in REQUIRED {
            self.add(&format!("no `{name}`"), ErrorCode::ModelSectionMissing, name, |plain| plain.remove(name));
        }
    }

    fn segments(&mut self) {
        let invalid = ErrorCode::ModelSectionInvalid;
        self.add("fewer dimensions than measures and channels", invalid, "segments.weights", |plain| {
            plain.remove("segments.weights");
        });
        for (name, width, beyond) in [("segments.groups", 1, 254u32), ("segments.items", 4, u32::MAX)] {
            let mut bytes = self.plain.bytes(name).to_vec();
            bytes[..width].copy_from_slice(&beyond.to_le_bytes()[..width]);
            let what = format!("an index of `{name}` beyond the last");
            self.add(&what, ErrorCode::ModelIndexOutOfRange, name, |plain| plain.overwrite(name, &bytes));
        }
        for name in ["segments.centers", "segments.groups", "segments.offsets", "segments.counts"] {
            self.add(&format!("no `{name}`"), ErrorCode::ModelSectionMissing, name, |plain| plain.remove(name));
        }
    }

    fn contents(&mut self) {
        let items = self.plain.u16s("items.id_lengths").len() as u32;
        let categories = self.plain.u16s("categories.lengths").len() as u32;
        for (name, width) in INDICES {
            let first_beyond = if width == 2 { categories } else { items };
            let mut bytes = self.plain.bytes(name).to_vec();
            bytes[..width].copy_from_slice(&first_beyond.to_le_bytes()[..width]);
            let what = format!("an index of `{name}` one beyond the last");
            self.add(&what, ErrorCode::ModelIndexOutOfRange, name, |plain| plain.overwrite(name, &bytes));
        }
        let invalid = ErrorCode::ModelSectionInvalid;
        for name in ["items.id_lengths", "categories.lengths", "offers.id_lengths"] {
            self.add(&format!("no `{name}`"), invalid, name, |plain| plain.remove(name));
            let starts = name.replace("lengths", "starts");
            let mut bytes = self.plain.bytes(&starts).to_vec();
            bytes[0] = 1;
            self.add(&format!("`{starts}` does not begin at 0"), invalid, name, |plain| {
                plain.overwrite(&starts, &bytes)
            });
            let mut bytes = self.plain.bytes(name).to_vec();
            bytes[..2].copy_from_slice(&u16::MAX.to_le_bytes());
            self.add(&format!("`{name}` leads beyond the strings"), invalid, name, |plain| {
                plain.overwrite(name, &bytes)
            });
        }
        for name in ["neighbours.bought_offsets", "popularity.channel_offsets", "offers.item_offsets"] {
            let mut bytes = self.plain.bytes(name).to_vec();
            bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
            self.add(&format!("`{name}` does not rise"), invalid, name, |plain| plain.overwrite(name, &bytes));
        }
        let mut bytes = self.plain.bytes("items.id_bytes").to_vec();
        bytes[0] = 0xff;
        self.add("an id that is no UTF-8", invalid, "items.id_lengths", |plain| {
            plain.overwrite("items.id_bytes", &bytes);
        });
        bytes[0] = b'z';
        self.add("ids out of order", invalid, "items.id_lengths", |plain| plain.overwrite("items.id_bytes", &bytes));
    }
}
