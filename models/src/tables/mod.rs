//! Tables in: events, catalog, offers and consents from Parquet, CSV or JSON lines, with an account of every row.

mod arrow_column;
mod catalog;
mod cells;
mod consents;
mod event_json;
mod events;
mod events_read;
mod ids;
mod json_rows;
mod offers;
mod renames;
mod report;
mod source;

pub use catalog::{Catalog, Item, read_catalog};
pub use consents::{TrainingConsents, read_consents};
pub use events::EventLog;
pub use events_read::read_events;
pub use ids::{Ids, NONE};
pub use offers::{Offer, Offers, read_offers};
pub use renames::{ReadRules, Renames};
pub use report::{BadRow, BadRowLimits, BadRows, TableReport};

pub(crate) use cells::Row;
pub(crate) use event_json::event_json;
pub(crate) use report::Bad;
pub(crate) use source::{Kind, Spec, may, need, read_table};
