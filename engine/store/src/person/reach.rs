//! Which hand-offs and proposals an erasure reaches.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::who::Who;

/// What an erasure is about.
pub(crate) enum Reach {
    /// A person: the calls they were on, with the utterances that are theirs.
    Person {
        /// Who.
        who: Who,
        /// Calls by name.
        calls: BTreeMap<String, BTreeSet<u32>>,
        /// Whether what names them goes also where it rests on none of these calls.
        everywhere: bool,
    },
    /// Whole calls, by name.
    Calls(BTreeSet<String>),
}

impl Reach {
    /// Whether this holds words that have to go.
    pub(super) fn touches(&self, value: &Value) -> bool {
        match self {
            Self::Calls(calls) => any_object(value, &mut |object| {
                let text = |key| object.get(key).and_then(Value::as_str);
                let named = [text("call"), text("batch").and_then(of_call)];
                named.into_iter().flatten().any(|call| calls.contains(call))
            }),
            Self::Person { who, calls, everywhere } => {
                let mut near = false;
                let theirs = any_object(value, &mut |object| {
                    let Some(said) = object.get("call").and_then(Value::as_str).and_then(|call| calls.get(call)) else {
                        return false;
                    };
                    near = true;
                    // Turns: the transcript of that call, which has their words among others'.
                    let quoted = object.get("utterance").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
                    quoted.is_some_and(|n| said.contains(&n)) || object.contains_key("turns")
                });
                let near = near || any_text(value, &|text| of_call(text).is_some_and(|call| calls.contains_key(call)));
                theirs
                    || (near && any_text(value, &|text| who.named_in(text) || who.hinted_in(text)))
                    || (*everywhere && any_text(value, &|text| who.surely_named_in(text)))
            }
        }
    }

    /// Whether this text has to go by itself.
    pub(super) fn named_in(&self, text: &str) -> bool {
        match self {
            Self::Person { who, .. } => who.named_in(text),
            Self::Calls(_) => false,
        }
    }
}

/// The call whose batch a proposal is in.
fn of_call(batch: &str) -> Option<&str> {
    batch.strip_prefix("call ")
}

fn any_object(value: &Value, test: &mut impl FnMut(&serde_json::Map<String, Value>) -> bool) -> bool {
    match value {
        Value::Object(object) => test(object) || object.values().any(|v| any_object(v, test)),
        Value::Array(items) => items.iter().any(|v| any_object(v, test)),
        _ => false,
    }
}

fn any_text(value: &Value, test: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => test(text),
        Value::Object(object) => object.values().any(|v| any_text(v, test)),
        Value::Array(items) => items.iter().any(|v| any_text(v, test)),
        _ => false,
    }
}
