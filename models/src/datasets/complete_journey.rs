//! Complete Journey: a year of purchases of 2,469 households, with products, coupons and redemptions.

use super::write::{EventRow, EventsForm, EventsWriter, write_csv};
use crate::error::{Error, Result};
use crate::tables::{Bad, BadRowLimits, Kind, Renames, Row, Spec, TableReport, may, need, read_table};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const DAY_MS: i64 = 86_400_000;

/// What an import read and wrote.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ImportReport {
    /// The raw tables, with what could not be used of them.
    pub tables: Vec<TableReport>,
    /// Rows of `transactions` whose quantity is zero or less: returns and corrections, no purchases.
    pub not_purchases: u64,
    /// Purchase events written.
    pub purchases: u64,
    /// `offer_redeemed` events written.
    pub redemptions: u64,
    /// Products written.
    pub items: u64,
    /// Offers written.
    pub offers: u64,
}

/// Reads the raw tables of Complete Journey (`transactions.parquet`, `products.parquet`, `coupons.parquet`,
/// `campaign_descriptions.parquet`, `coupon_redemptions.parquet`) from `from` and writes `events.parquet` (or `.csv`),
/// `catalog.csv`, `offers.csv` and `titles.json` to `out`. Times without a zone are read as UTC.
///
/// # Errors
/// A raw table that is missing or has another schema, or a file that can't be written.
pub fn import_complete_journey(from: &Path, out: &Path, form: EventsForm) -> Result<ImportReport> {
    for table in RAW_TABLES {
        let path = from.join(table).with_extension("parquet");
        std::fs::File::open(&path).map_err(|e| Error::io("open", &path, e))?;
    }
    // Tables of an import before this one stay until all of the new ones are there.
    let fresh = out.join("import.partial");
    std::fs::create_dir_all(&fresh).map_err(|e| Error::io("create", &fresh, e))?;
    let done = write_all(from, &fresh, form).and_then(|report| move_files(&fresh, out).map(|()| report));
    let removed = std::fs::remove_dir_all(&fresh).map_err(|e| Error::io("remove", &fresh, e));
    done.and_then(|report| removed.map(|()| report))
}

const RAW_TABLES: [&str; 5] = ["transactions", "products", "coupons", "campaign_descriptions", "coupon_redemptions"];

fn move_files(from: &Path, to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(from).map_err(|e| Error::io("read", from, e))? {
        let entry = entry.map_err(|e| Error::io("read", from, e))?;
        let target = to.join(entry.file_name());
        std::fs::rename(entry.path(), &target).map_err(|e| Error::io("write", &target, e))?;
    }
    Ok(())
}

fn write_all(from: &Path, out: &Path, form: EventsForm) -> Result<ImportReport> {
    let mut report = ImportReport::default();
    let mut events = EventsWriter::create(out, form)?;
    write_purchases(from, &mut events, &mut report)?;
    write_redemptions(from, &mut events, &mut report)?;
    events.close()?;
    let kinds = write_catalog(from, out, &mut report)?;
    write_offers(from, out, &kinds, &mut report)?;
    Ok(report)
}

/// Reads one raw table row by row; what `read` refuses is counted in the account.
fn raw(
    table: &'static str,
    from: &Path,
    specs: &'static [Spec],
    report: &mut ImportReport,
    read: &mut dyn FnMut(&Row<'_>) -> std::result::Result<Result<()>, Bad>,
) -> Result<()> {
    let path = from.join(table).with_extension("parquet");
    let mut account = TableReport::new(table, &path);
    let limits = BadRowLimits::default();
    let seen = read_table(table, &path, specs, &Renames::default(), &mut |first, batch| {
        for row in 0..batch.rows() {
            account.rows += 1;
            match read(&Row { batch, row, specs }) {
                Ok(written) => written?,
                Err(bad) => account.add_bad(first + row as u64, bad, limits),
            }
        }
        Ok(())
    })?;
    account.close(table, seen, limits)?;
    report.tables.push(account);
    Ok(())
}

const TRANSACTIONS: &[Spec] = &[
    need("household_id", Kind::Text),
    need("store_id", Kind::Text),
    need("basket_id", Kind::Text),
    need("product_id", Kind::Text),
    need("quantity", Kind::Integer),
    need("sales_value", Kind::Number),
    need("transaction_timestamp", Kind::Time),
];

fn write_purchases(from: &Path, events: &mut EventsWriter, report: &mut ImportReport) -> Result<()> {
    let (mut purchases, mut not_purchases) = (0, 0);
    let mut ids: [String; 4] = Default::default();
    raw("transactions", from, TRANSACTIONS, report, &mut |row| {
        let quantity = row.integer(4)?.ok_or_else(|| row.bad(4, "is missing"))?;
        if quantity <= 0 {
            not_purchases += 1;
            return Ok(Ok(()));
        }
        let [profile, store, basket, product] = &mut ids;
        let (profile_id, store_id) = (row.need_id(0, profile)?, row.need_id(1, store)?);
        let (basket_id, item_id) = (row.need_id(2, basket)?, row.need_id(3, product)?);
        let sales_micro = row.money(5)?.ok_or_else(|| row.bad(5, "is missing"))?;
        let ts_ms = row.time(6)?.ok_or_else(|| row.bad(6, "is missing"))?;
        let price = (sales_micro as f64 / 1e6 / quantity as f64 * 1e4).round_ties_even() / 1e4;
        purchases += 1;
        Ok(events.push(&EventRow {
            // A product stands in a basket once, so this is an identity that does not depend on the order of rows.
            event_id: format!("{basket_id}-{item_id}"),
            profile_id,
            ts_ms,
            kind: "purchase",
            channel: "store",
            item_id: Some(item_id),
            quantity: Some(quantity as f64),
            price: Some(price),
            currency: Some("USD"),
            order_id: Some(basket_id),
            session_id: Some(basket_id),
            store_id: Some(store_id),
            offer_id: None,
        }))
    })?;
    (report.purchases, report.not_purchases) = (purchases, not_purchases);
    Ok(())
}

const REDEMPTIONS: &[Spec] = &[
    need("household_id", Kind::Text),
    need("coupon_upc", Kind::Text),
    need("campaign_id", Kind::Text),
    need("redemption_date", Kind::Time),
];

fn write_redemptions(from: &Path, events: &mut EventsWriter, report: &mut ImportReport) -> Result<()> {
    let mut redemptions = 0;
    let mut ids: [String; 3] = Default::default();
    raw("coupon_redemptions", from, REDEMPTIONS, report, &mut |row| {
        let [profile, offer, campaign] = &mut ids;
        let (profile_id, offer_id) = (row.need_id(0, profile)?, row.need_id(1, offer)?);
        let campaign_id = row.need_id(2, campaign)?;
        let ts_ms = row.time(3)?.ok_or_else(|| row.bad(3, "is missing"))?;
        redemptions += 1;
        Ok(events.push(&EventRow {
            event_id: format!("{profile_id}-{offer_id}-{campaign_id}-{}", ts_ms / DAY_MS),
            profile_id,
            ts_ms,
            kind: "offer_redeemed",
            channel: "store",
            offer_id: Some(offer_id),
            ..Default::default()
        }))
    })?;
    report.redemptions = redemptions;
    Ok(())
}

/// Names of departments, categories and product types that hold alcohol or tobacco: by law they go to adults alone, and the
/// data does not say who is one, so that a placement has to ask for them. The few mixers, alcohol-free beers and lighters
/// that the shop files there are marked with them: one product too many costs a placement less than one too few.
const RESTRICTED: &[&str] = &[
    "BEERALEMALT LIQUORS",
    "BEERS/ALES",
    "CHEWING TOBACCO",
    "CIGARETTES",
    "CIGARS",
    "DOMESTIC WINE",
    "GIFT BASKETS BEER",
    "IMPORTED WINE",
    "LIQUOR",
    "MISC WINE",
    "SPIRITS",
    "TOBACCO OTHER",
];

const PRODUCTS: &[Spec] = &[
    need("product_id", Kind::Text),
    need("manufacturer_id", Kind::Text),
    need("department", Kind::Text),
    need("brand", Kind::Text),
    may("product_category", Kind::Text),
    may("product_type", Kind::Text),
    may("package_size", Kind::Text),
];

/// Writes catalog and titles; -> the name of each product's kind, for the titles of offers.
fn write_catalog(from: &Path, out: &Path, report: &mut ImportReport) -> Result<BTreeMap<String, String>> {
    let mut rows: BTreeMap<String, [String; 5]> = BTreeMap::new();
    let mut kinds = BTreeMap::new();
    raw("products", from, PRODUCTS, report, &mut |row| {
        let mut buffer = String::new();
        let id = row.need_id(0, &mut buffer)?.to_owned();
        let text = |at: usize| -> std::result::Result<String, Bad> {
            Ok(row.free_text(at, 512)?.map(|t| t.trim().to_owned()).unwrap_or_default())
        };
        let (maker, department, brand) = (text(1)?, text(2)?, text(3)?);
        let (category, kind, size) = (text(4)?, text(5)?, text(6)?);
        let path = [department.as_str(), category.as_str(), kind.as_str()];
        let name = path.iter().rev().find(|part| !part.is_empty()).copied().unwrap_or("PRODUCT");
        let title = format!("{name} {size}").trim().to_owned();
        // A `/` within a name is no border between levels.
        let levels: Vec<String> =
            path.iter().filter(|part| !part.is_empty()).map(|part| part.replace('/', "-")).collect();
        let brand = format!("{brand} {maker}").trim().to_owned();
        let restricted = path.iter().any(|part| RESTRICTED.contains(part));
        kinds.insert(id.clone(), if category.is_empty() { department } else { category });
        rows.insert(id.clone(), [id, title, levels.join("/"), brand, restricted.to_string()]);
        Ok(Ok(()))
    })?;
    report.items = rows.len() as u64;
    write_csv(&out.join("catalog.csv"), &["item_id", "title", "category", "brand", "restricted"], rows.values())?;
    let titles: BTreeMap<&str, &str> = rows.iter().map(|(id, row)| (id.as_str(), row[1].as_str())).collect();
    let path = out.join("titles.json");
    let bytes = serde_json::to_vec(&titles).map_err(|e| Error::io("write", &path, e.into()))?;
    std::fs::write(&path, bytes).map_err(|e| Error::io("write", &path, e))?;
    Ok(kinds)
}

const CAMPAIGNS: &[Spec] =
    &[need("campaign_id", Kind::Text), need("start_date", Kind::Time), need("end_date", Kind::Time)];
const COUPONS: &[Spec] =
    &[need("coupon_upc", Kind::Text), need("product_id", Kind::Text), need("campaign_id", Kind::Text)];

#[derive(Default)]
struct Coupon {
    items: BTreeSet<String>,
    starts_ms: Option<i64>,
    ends_ms: Option<i64>,
}

fn write_offers(from: &Path, out: &Path, kinds: &BTreeMap<String, String>, report: &mut ImportReport) -> Result<()> {
    let mut windows: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    raw("campaign_descriptions", from, CAMPAIGNS, report, &mut |row| {
        let id = row.need_id(0, &mut String::new())?.to_owned();
        let start = row.time(1)?.ok_or_else(|| row.bad(1, "is missing"))?;
        let end = row.time(2)?.ok_or_else(|| row.bad(2, "is missing"))?;
        // The last day belongs to the campaign.
        windows.insert(id, (start, end + DAY_MS));
        Ok(Ok(()))
    })?;
    let mut coupons: BTreeMap<String, Coupon> = BTreeMap::new();
    raw("coupons", from, COUPONS, report, &mut |row| {
        let [mut a, mut b, mut c]: [String; 3] = Default::default();
        let (offer, item, campaign) = (row.need_id(0, &mut a)?, row.need_id(1, &mut b)?, row.need_id(2, &mut c)?);
        let (start, end) = *windows.get(campaign).ok_or_else(|| row.bad(2, "is no campaign"))?;
        let coupon = coupons.entry(offer.to_owned()).or_default();
        coupon.items.insert(item.to_owned());
        coupon.starts_ms = Some(coupon.starts_ms.map_or(start, |known| known.min(start)));
        coupon.ends_ms = Some(coupon.ends_ms.map_or(end, |known| known.max(end)));
        Ok(Ok(()))
    })?;
    report.offers = coupons.len() as u64;
    let header = ["offer_id", "title", "kind", "starts_ms", "ends_ms", "channels", "items"];
    write_csv(
        &out.join("offers.csv"),
        &header,
        coupons.iter().map(|(id, coupon)| {
            let time = |ms: Option<i64>| ms.unwrap_or_default().to_string();
            let items: Vec<&str> = coupon.items.iter().map(String::as_str).collect();
            let title = offer_title(&coupon.items, kinds);
            [
                id.clone(),
                title,
                "coupon".into(),
                time(coupon.starts_ms),
                time(coupon.ends_ms),
                "store".into(),
                items.join(";"),
            ]
        }),
    )
}

/// The commonest category among the items, by name where several are equally common; the raw names are all capitals.
fn offer_title(items: &BTreeSet<String>, kinds: &BTreeMap<String, String>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for kind in items.iter().filter_map(|item| kinds.get(item)) {
        *counts.entry(kind).or_default() += 1;
    }
    let commonest = counts.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)));
    match (commonest, counts.len()) {
        (None, _) => format!("Coupon on {} products", items.len()),
        (Some((kind, _)), 1) => format!("Coupon on {}", kind.to_lowercase()),
        (Some((kind, _)), more) => format!("Coupon on {} and {} more", kind.to_lowercase(), more - 1),
    }
}
