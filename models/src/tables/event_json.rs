//! Events as requests hold them in JSON.

use serde_json::{Map, Value};
use unisono_message::{Event, micro_to_f64, milli_to_f64};

/// An event as a request holds it, absent fields left out.
pub(crate) fn event_json(event: &Event<'_>) -> Value {
    let mut map = Map::new();
    map.insert("event_id".into(), event.event_id.into());
    map.insert("ts_ms".into(), event.ts_ms.into());
    map.insert("type".into(), event.kind.as_str().into());
    map.insert("channel".into(), event.channel.into());
    let texts = [
        ("item_id", event.item_id),
        ("offer_id", event.offer_id),
        ("order_id", event.order_id),
        ("session_id", event.session_id),
        ("store_id", event.store_id),
        ("currency", event.currency),
    ];
    map.extend(texts.iter().filter_map(|(name, text)| Some(((*name).to_owned(), Value::from((*text)?)))));
    if event.quantity_milli != unisono_message::MILLI {
        map.insert("quantity".into(), milli_to_f64(event.quantity_milli).into());
    }
    if let Some(price) = event.price_micro {
        map.insert("price".into(), micro_to_f64(price).into());
    }
    Value::Object(map)
}
