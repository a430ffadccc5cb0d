//! Imports, on small raw tables of the same schema as the real ones.

use crate::shop::{self, Folder, LATEST_MS};
use arrow_array::{ArrayRef, StringArray, TimestampNanosecondArray};
use std::sync::Arc;
use unisono_models::datasets::{EventsForm, import_complete_journey};
use unisono_models::tables::{BadRowLimits, read_catalog, read_events, read_offers};

const DAY_NS: i64 = 86_400_000_000_000;

fn times(days: &[i64]) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from_iter_values(days.iter().map(|day| day * DAY_NS)))
}

fn ints(values: &[i64]) -> ArrayRef {
    shop::ints(values.iter().copied())
}

fn strings(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn raw(folder: &Folder) {
    let table = |name: &str, columns: Vec<(&str, ArrayRef)>| {
        shop::write_parquet(&folder.path(&format!("{name}.parquet")), columns)
    };
    table(
        "transactions",
        vec![
            ("household_id", ints(&[1, 1, 2])),
            ("store_id", ints(&[330, 330, 31])),
            ("basket_id", ints(&[100, 100, 101])),
            ("product_id", ints(&[7, 8, 7])),
            ("quantity", ints(&[3, 0, 1])),
            ("sales_value", shop::floats([1.0, 0.0, 0.5].into_iter())),
            ("week", ints(&[1, 1, 1])),
            ("transaction_timestamp", times(&[17_167, 17_167, 17_168])),
        ],
    );
    table(
        "products",
        vec![
            ("product_id", ints(&[7, 8, 9, 10, 11])),
            ("manufacturer_id", ints(&[2, 69, 69, 69, 69])),
            ("department", strings(&["GROCERY", "MISCELLANEOUS", "GROCERY", "SPIRITS", "MISCELLANEOUS"].map(Some))),
            ("brand", strings(&["National", "Private", "Private", "Private", "Private"].map(Some))),
            ("product_category", strings(&[Some("FRZN ICE"), None, Some("BEERS/ALES"), Some("LIQUOR"), None])),
            ("product_type", strings(&[Some("ICE - CRUSHED/CUBED"), None, None, None, Some("CIGARETTES")])),
            ("package_size", strings(&[Some("22 LB"), None, None, None, None])),
        ],
    );
    table(
        "coupons",
        vec![("coupon_upc", ints(&[55, 55, 55])), ("product_id", ints(&[8, 7, 7])), ("campaign_id", ints(&[1, 1, 2]))],
    );
    table(
        "campaign_descriptions",
        vec![
            ("campaign_id", ints(&[1, 2])),
            ("start_date", times(&[17_170, 17_160])),
            ("end_date", times(&[17_180, 17_175])),
        ],
    );
    table(
        "coupon_redemptions",
        vec![
            ("household_id", ints(&[2])),
            ("coupon_upc", ints(&[55])),
            ("campaign_id", ints(&[1])),
            ("redemption_date", times(&[17_171])),
        ],
    );
}

#[test]
fn complete_journey_becomes_events_catalog_and_offers() {
    let (from, to) = (Folder::new(), Folder::new());
    raw(&from);
    let report = import_complete_journey(&from.path(""), &to.path(""), EventsForm::Parquet).unwrap();
    assert_eq!((report.tables[0].rows, report.not_purchases, report.purchases, report.redemptions), (3, 1, 2, 1));
    let limits = BadRowLimits::default();
    let (log, account) = read_events(&to.path("events.parquet"), LATEST_MS, limits).unwrap();
    assert_eq!((log.len(), account.bad_rows()), (3, 0));
    let event = log.event(0);
    assert_eq!(
        (event.event_id, event.item_id, event.order_id, event.store_id),
        ("100-7", Some("7"), Some("100"), Some("330"))
    );
    // 1.00 for three is 0.3333 each.
    assert_eq!((event.quantity_milli, event.price_micro, event.currency), (3_000, Some(333_300), Some("USD")));
    assert_eq!((log.event(2).offer_id, log.event(2).event_id), (Some("55"), "2-55-1-17171"));

    // The other form holds the same rows.
    import_complete_journey(&from.path(""), &to.path(""), EventsForm::Csv).unwrap();
    let (as_csv, account) = read_events(&to.path("events.csv"), LATEST_MS, limits).unwrap();
    assert_eq!((as_csv.fingerprint(), account.bad_rows()), (log.fingerprint(), 0));

    let (catalog, _) = read_catalog(&to.path("catalog.csv"), limits).unwrap();
    let of = |id: &str| (catalog.items[id].title.clone(), catalog.items[id].category.clone());
    assert_eq!(of("7"), ("ICE - CRUSHED/CUBED 22 LB".into(), "GROCERY/FRZN ICE/ICE - CRUSHED-CUBED".into()));
    assert_eq!(of("8"), ("MISCELLANEOUS".into(), "MISCELLANEOUS".into()));
    let restricted = catalog.items.iter().filter(|(_, item)| item.restricted).map(|(id, _)| id.as_str());
    let restricted: std::collections::BTreeSet<&str> = restricted.collect();
    assert_eq!(restricted, ["9", "10", "11"].into());

    let (offers, _) = read_offers(&to.path("offers.csv"), limits).unwrap();
    let (offer, items) = &offers.offers["55"];
    // From the first campaign's first day to the end of the last one's last day.
    assert_eq!((offer.starts_ms, offer.ends_ms), (17_160 * DAY_NS / 1_000_000, 17_181 * DAY_NS / 1_000_000));
    assert_eq!(
        (items.len(), offer.title.as_str(), offer.channels.as_slice()),
        (2, "Coupon on frzn ice and 1 more", ["store".to_owned()].as_slice())
    );
    let titles: std::collections::BTreeMap<String, String> =
        serde_json::from_slice(&std::fs::read(to.path("titles.json")).unwrap()).unwrap();
    assert_eq!(titles["7"], "ICE - CRUSHED/CUBED 22 LB");
}

#[test]
fn a_raw_table_of_another_schema_is_named() {
    let (from, to) = (Folder::new(), Folder::new());
    raw(&from);
    shop::write_parquet(&from.path("transactions.parquet"), vec![("household_id", ints(&[1]))]);
    let error = import_complete_journey(&from.path(""), &to.path(""), EventsForm::Parquet).unwrap_err().to_string();
    assert!(error.contains("transactions table: column `store_id`"), "{error}");
}
