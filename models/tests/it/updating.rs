//! A new catalog for a model: what comes, goes and changes, and that nothing else does.

use crate::command_line::{ok, run, text};
use crate::shop::{self, Folder};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use unisono_core::{Model, Policy, recommend};

const HEAD: &str = "item_id,title,category,brand,channels,group_id,unavailable_from_ms,sensitive\n";

/// The 120 items of the shop, `i0` to `i119`, without those of `left_out`.
fn rows(left_out: &[usize]) -> String {
    let row = |item: usize| format!("i{item},Item {item},shop/kind {},b{},store;web,,,\n", item / 20, item % 5);
    (0..120).filter(|item| !left_out.contains(item)).map(row).collect()
}

struct Shop {
    folder: Folder,
    model: PathBuf,
}

impl Shop {
    /// A fitted shop; of `i100` and on no event is left, and `log-only` is not in the catalog.
    fn open(catalog: &str) -> Self {
        let folder = Folder::new();
        let mut events = shop::events(80, 41);
        for row in &mut events {
            if row.item_id == "i119" {
                row.item_id = "log-only".into();
            } else if row.item_id.len() == 4 {
                row.item_id = "i5".into();
                row.event_id.push('x');
            }
        }
        let events = folder.write("events.csv", &shop::csv(&events));
        let catalog = folder.write("catalog.csv", &format!("{HEAD}{catalog}"));
        let offers = folder.write("offers.csv", &shop::offers(3));
        let model = folder.path("m.unisono");
        ok(&[
            "fit",
            "--events",
            text(&events),
            "--catalog",
            text(&catalog),
            "--offers",
            text(&offers),
            "--out",
            text(&model),
        ]);
        Shop { folder, model }
    }

    /// The model with this catalog, and the account.
    fn updated(&self, model: &Path, catalog: &str) -> (PathBuf, Value) {
        let catalog = self.folder.write("new.csv", &format!("{HEAD}{catalog}"));
        let out = self.folder.path(&format!("{}-u", model.file_name().unwrap().to_str().unwrap()));
        let shown = ok(&[
            "update",
            "--model",
            text(model),
            "--catalog",
            text(&catalog),
            "--out",
            text(&out),
            "--format",
            "json",
        ]);
        (out, serde_json::from_str(&shown).unwrap())
    }
}

/// Ids that a placement shows to someone who bought `i1` and `i2`.
fn shown(model: &Path, placement: Value) -> Vec<String> {
    let file = std::fs::read(model).unwrap();
    let bought = |at: i64| json!({"event_id": format!("e{at}"), "ts_ms": shop::START_MS, "type": "purchase", "channel": "web", "item_id": format!("i{at}")});
    let request =
        json!({"now_ms": shop::LATEST_MS, "profile": {"events": [bought(1), bought(2)]}, "placements": [placement]});
    let answer =
        recommend(&Model::load(&file).unwrap(), &Policy::default(), &rmp_serde::to_vec_named(&request).unwrap());
    let answer: Value = rmp_serde::from_slice(&answer).unwrap();
    let list = answer["placements"][0]["recommendations"].as_array().unwrap_or_else(|| panic!("{answer}"));
    list.iter().map(|one| one["item_id"].as_str().unwrap().to_owned()).collect()
}

fn counts(account: &Value) -> [u64; 4] {
    ["new", "gone", "changed", "unchanged"].map(|name| account["update"][name].as_u64().unwrap())
}

#[test]
fn the_catalog_of_the_fit_gives_the_same_bytes_in_any_order_of_rows() {
    let shop = Shop::open(&rows(&[7]));
    let mut reversed: Vec<String> = rows(&[7]).lines().map(|line| format!("{line}\n")).collect();
    reversed.reverse();
    let (same, account) = shop.updated(&shop.model, &reversed.concat());
    assert_eq!(counts(&account), [0, 0, 0, 119]);
    assert!(std::fs::read(&same).unwrap() == std::fs::read(&shop.model).unwrap());
}

#[test]
fn a_product_that_comes_is_found_by_its_category_and_one_that_goes_is_never_shown() {
    let shop = Shop::open(&rows(&[]));
    // `i0` belongs to `i1` by category, `a-new` and `z-new` come before and after all others.
    let new = "a-new,New,shop/kind 0,b1,store;web,,,\nz-new,New,shop/none,,,,,\n";
    let (model, account) = shop.updated(&shop.model, &format!("{}{new}", rows(&[2, 110])));
    assert_eq!(counts(&account), [2, 2, 0, 118]);
    assert_eq!(account["update"]["items"], 123);
    let everything = shown(&model, json!({"id": "a", "kind": "for_you", "k": 1000}));
    assert!(everything.iter().any(|id| id == "z-new") && everything.iter().any(|id| id == "log-only"));
    assert!(!everything.iter().any(|id| id == "i2" || id == "i110"));
    assert!(shown(&shop.model, json!({"id": "a", "kind": "buy_again", "k": 9})).contains(&"i2".to_owned()));
    assert_eq!(shown(&model, json!({"id": "a", "kind": "buy_again", "k": 9})), ["i1"]);
    // What nobody bought gives those of its category and is given by them.
    let like_new = shown(&model, json!({"id": "a", "kind": "similar", "k": 18, "items": ["a-new"]}));
    let kind_0: Vec<String> = (0..20).filter(|item| *item != 2).map(|item| format!("i{item}")).collect();
    assert!(like_new.len() == 18 && like_new.iter().all(|id| kind_0.contains(id)), "{like_new:?}");
    assert!(
        shown(&model, json!({"id": "a", "kind": "similar", "k": 121, "items": ["i1"]})).contains(&"a-new".to_owned())
    );
    // The same catalog again changes nothing, and the old one brings back what was there.
    let (again, account) = shop.updated(&model, &format!("{}{new}", rows(&[2, 110])));
    assert_eq!(counts(&account), [0, 0, 0, 120]);
    assert!(std::fs::read(&again).unwrap() == std::fs::read(&model).unwrap());
    let (back, account) = shop.updated(&model, &rows(&[]));
    assert_eq!(counts(&account), [0, 2, 2, 118]);
    for kind in ["for_you", "buy_again", "trending"] {
        let page = json!({"id": "a", "kind": kind, "k": 10});
        assert_eq!(shown(&back, page.clone()), shown(&shop.model, page));
    }
}

#[test]
fn what_a_row_says_anew_holds_from_then_on() {
    let shop = Shop::open(&rows(&[]));
    let moved = rows(&[1, 3, 4])
        + "i1,One,shop/kind 9,b1,store,,,\ni3,Three,shop/kind 0,b3,kiosk;store;web,,,true\ni4,Four,shop/kind 0,b4,store;web,,1,\n";
    let (model, account) = shop.updated(&shop.model, &moved);
    assert_eq!(counts(&account), [0, 0, 3, 117]);
    let ids = |model: &Path, category: &str| {
        shown(model, json!({"id": "a", "kind": "for_you", "k": 200, "category": category}))
    };
    assert!(ids(&shop.model, "shop/kind 0").contains(&"i1".to_owned()));
    // Not sold in the web any more, whose page this is; sensitive; no longer available.
    assert!(ids(&model, "shop/kind 9").is_empty());
    let kind_0 = ids(&model, "shop/kind 0");
    assert!(
        kind_0.contains(&"i0".to_owned()) && !["i1", "i3", "i4"].iter().any(|id| kind_0.contains(&(*id).to_owned()))
    );
    let view: Value = serde_json::from_str(&ok(&["inspect", text(&model), "--no-brotli", "--format", "json"])).unwrap();
    assert_eq!(view["root"]["channels"], json!(["kiosk", "store", "web"]));
    // Brands that change hands are changes of the products that change them.
    let (_, account) = shop.updated(&shop.model, &rows(&[]).replace(",b3,", ",b-other,"));
    assert_eq!(counts(&account), [0, 0, 0, 120]);
    let (_, account) =
        shop.updated(&shop.model, &rows(&[]).replace("i8,Item 8,shop/kind 0,b3,", "i8,Item 8,shop/kind 0,b4,"));
    assert_eq!(counts(&account), [0, 0, 1, 119]);
}

#[test]
fn what_can_not_be_updated_is_refused_and_nothing_is_written() {
    let shop = Shop::open(&rows(&[]));
    let good = shop.folder.write("good.csv", &format!("{HEAD}{}", rows(&[])));
    let out = shop.folder.path("out.unisono");
    let refused = |model: &Path, catalog: &Path, out: &Path, code: i32, wanted: &str| {
        let output = run(&["update", "--model", text(model), "--catalog", text(catalog), "--out", text(out)]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(code) && said.contains(wanted), "{wanted}: {said}");
        assert!(!shop.folder.path("out.unisono").exists());
    };
    let file = |name: &str, content: &str| shop.folder.write(name, content);
    refused(&good, &good, &out, 2, "is no Unisono model file");
    refused(&shop.model, &file("none.csv", HEAD), &out, 3, "error[not_enough_data]");
    refused(&shop.model, &file("other.csv", "sku\n1\n"), &out, 2, "error[bad_schema]");
    refused(&shop.model, &shop.folder.path("absent.csv"), &out, 1, "error[io]");
    refused(&shop.model, &good, &shop.model, 2, "name another file");
    let many = (0..40).fold(String::new(), |rows, at| rows + &format!("n{at},New,,,c{at},,,\n"));
    refused(
        &shop.model,
        &file("many.csv", &format!("{HEAD}{many}")),
        &out,
        2,
        "error[bad_config]: configuration: `channels`",
    );
    let mut cut = std::fs::read(&shop.model).unwrap();
    let last = cut.len() - 1;
    cut[last] ^= 1;
    std::fs::write(shop.folder.path("cut.unisono"), cut).unwrap();
    refused(&shop.folder.path("cut.unisono"), &good, &out, 2, "error[model_section_hash]");
}
