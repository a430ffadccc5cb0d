//! Public data sets as the tables that `fit` reads.

mod complete_journey;
mod write;

pub use complete_journey::{ImportReport, import_complete_journey};
pub use write::EventsForm;
