//! What the engine counts, and how `/metrics` shows it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use reframe_audio::track::TrackCounters;
use reframe_call::event::{Event, EventBody};
use reframe_ingest::{IngestCounters, assembler::AssemblerCounters};
use reframe_serve::metrics::{Kind, MetricsText};

use super::{erasures::EraseStats, log_writer::LogStats};
use crate::latency::Latency;

/// Counters of the whole engine.
#[derive(Debug, Default)]
pub struct EngineStats {
    /// Calls running.
    pub calls_open: AtomicI64,
    /// Calls begun.
    pub calls_opened: AtomicU64,
    /// Calls refused.
    pub calls_refused: AtomicU64,
    /// Calls whose thread failed.
    pub calls_failed: AtomicU64,
    /// Packets pushed out of full queues.
    pub queue_dropped: AtomicU64,
    /// Second passes not made because their queue was full, or there is none.
    pub refine_skipped: AtomicU64,
    /// Packet in to 16 kHz frame handed to its call: decoding, resampling, and waiting for the other tracks.
    pub packet_to_frame: Latency,
    /// Packet in to card out.
    pub card_compute: Latency,
    /// End of the phrase to the card, in media time.
    pub card_algorithmic: Latency,
    cards_shown: AtomicU64,
    cards_retracted: AtomicU64,
    detections_held_back: AtomicU64,
    audio_gaps: AtomicU64,
    overloaded_calls: AtomicI64,
    tracks_idled: AtomicU64,
    packets_lost: AtomicU64,
    packets_late: AtomicU64,
    packets_undecodable: AtomicU64,
    packets_unplaced: AtomicU64,
    concealed_ms: AtomicU64,
}

impl EngineStats {
    /// Counts what an event says.
    pub fn note_event(&self, event: &Event) {
        let add = |c: &AtomicU64| {
            c.fetch_add(1, Ordering::Relaxed);
        };
        match &event.body {
            EventBody::CardShown { card } => {
                add(&self.cards_shown);
                self.card_algorithmic.record_us(event.at.us_since(card.reason.phrase_end));
            }
            EventBody::CardClosed { end: reframe_call::card::CardEnd::Retracted, .. } => add(&self.cards_retracted),
            EventBody::DetectionSuppressed { .. } | EventBody::CueSuppressed { .. } => add(&self.detections_held_back),
            EventBody::AudioGap { .. } => add(&self.audio_gaps),
            _ => {}
        }
    }

    /// A call fell behind, or caught up.
    pub fn set_overloaded(&self, overloaded: bool) {
        self.overloaded_calls.fetch_add(if overloaded { 1 } else { -1 }, Ordering::Relaxed);
    }

    /// Whether any call is behind: then no new one is let in.
    pub fn is_overloaded(&self) -> bool {
        self.overloaded_calls.load(Ordering::Relaxed) > 0
    }

    /// Adds what an assembler counted since `before`.
    pub fn add_assembler(&self, before: &AssemblerCounters, now: &AssemblerCounters) {
        self.tracks_idled.fetch_add(now.idled - before.idled, Ordering::Relaxed);
        let unplaced = |c: &AssemblerCounters| c.unknown_track + c.out_of_range;
        self.packets_unplaced.fetch_add(unplaced(now) - unplaced(before), Ordering::Relaxed);
    }

    /// Adds what became of a finished call's packets.
    pub fn add_tracks<'a>(&self, tracks: impl Iterator<Item = &'a TrackCounters>) {
        for t in tracks {
            self.packets_lost.fetch_add(t.lost, Ordering::Relaxed);
            self.packets_late.fetch_add(t.late, Ordering::Relaxed);
            self.packets_undecodable.fetch_add(t.undecodable, Ordering::Relaxed);
            self.concealed_ms.fetch_add(t.concealed_ms, Ordering::Relaxed);
        }
    }

    /// Writes everything for `/metrics`.
    pub fn write(&self, text: &mut MetricsText) {
        let gauge = |v: &AtomicI64| v.load(Ordering::Relaxed) as f64;
        let counter = |v: &AtomicU64| v.load(Ordering::Relaxed) as f64;
        for (name, help, value) in [
            ("reframe_calls_open", "Calls running.", gauge(&self.calls_open)),
            (
                "reframe_calls_overloaded",
                "Calls whose queue has been over half full for a second.",
                gauge(&self.overloaded_calls),
            ),
        ] {
            text.family(name, Kind::Gauge, help);
            text.sample(name, &[], value);
        }
        for (name, help, value) in [
            ("reframe_calls_total", "Calls begun.", counter(&self.calls_opened)),
            (
                "reframe_calls_refused_total",
                "Calls refused: too many, or the machine is behind.",
                counter(&self.calls_refused),
            ),
            ("reframe_calls_failed_total", "Calls whose thread failed.", counter(&self.calls_failed)),
            ("reframe_cards_total", "Cards shown.", counter(&self.cards_shown)),
            (
                "reframe_cards_retracted_total",
                "Cards taken back because the words that followed contradicted them.",
                counter(&self.cards_retracted),
            ),
            (
                "reframe_detections_held_back_total",
                "Matches a guard, a limit or a cool-down held back.",
                counter(&self.detections_held_back),
            ),
            ("reframe_audio_gaps_total", "Stretches of missing audio.", counter(&self.audio_gaps)),
            (
                "reframe_audio_concealed_milliseconds_total",
                "Short losses bridged by the decoder.",
                counter(&self.concealed_ms),
            ),
            ("reframe_packets_lost_total", "Packets that did not arrive.", counter(&self.packets_lost)),
            ("reframe_packets_late_total", "Packets that arrived too late.", counter(&self.packets_late)),
            (
                "reframe_packets_undecodable_total",
                "Packets that could not be decoded.",
                counter(&self.packets_undecodable),
            ),
            (
                "reframe_packets_unplaced_total",
                "Packets of tracks that are not there, or with times outside any call.",
                counter(&self.packets_unplaced),
            ),
            (
                "reframe_packets_displaced_total",
                "Packets pushed out of a call's full queue.",
                counter(&self.queue_dropped),
            ),
            (
                "reframe_tracks_idled_total",
                "Times a lagging track was no longer waited for.",
                counter(&self.tracks_idled),
            ),
            (
                "reframe_refinements_skipped_total",
                "Second passes not made because their queue was full.",
                counter(&self.refine_skipped),
            ),
        ] {
            text.family(name, Kind::Counter, help);
            text.sample(name, &[], value);
        }
        let help = "From a packet's arrival to its 16 kHz frame being handed to its call.";
        self.packet_to_frame.write(text, "reframe_packet_to_frame_seconds", help, &[]);
        let help = "From the packet that completed a phrase to its card being handed to the screens.";
        self.card_compute.write(text, "reframe_card_compute_seconds", help, &[]);
        let help = "From the end of a phrase to its card, in media time.";
        self.card_algorithmic.write(text, "reframe_card_algorithmic_seconds", help, &[]);
    }

    /// Writes what the eraser did.
    pub fn write_erasures(text: &mut MetricsText, erased: &EraseStats) {
        for (name, help, value) in [
            ("reframe_erasures_total", "Times words taken back were erased from a call.", &erased.done),
            ("reframe_erasures_failed_total", "Times an erasure failed and was put off.", &erased.failed),
        ] {
            text.family(name, Kind::Counter, help);
            text.sample(name, &[], value.load(Ordering::Relaxed) as f64);
        }
    }

    /// Writes what the event log's writer and the ingest counted.
    pub fn write_others(text: &mut MetricsText, log: &LogStats, ingest: &IngestCounters) {
        let counter = |v: &AtomicU64| v.load(Ordering::Relaxed) as f64;
        for (name, help, value) in [
            ("reframe_log_events_total", "Events stored.", counter(&log.written)),
            ("reframe_log_events_lost_total", "Events that could not be stored.", counter(&log.lost)),
            ("reframe_ingest_connections_total", "Connections of meeting bots.", counter(&ingest.connections)),
            ("reframe_ingest_refused_total", "Connections refused: token, origin.", counter(&ingest.refused)),
            ("reframe_ingest_resumed_total", "Connections that went on with a call.", counter(&ingest.resumed)),
            ("reframe_ingest_abandoned_total", "Calls whose sender did not come back.", counter(&ingest.abandoned)),
            ("reframe_ingest_packets_total", "Audio messages taken.", counter(&ingest.packets)),
            (
                "reframe_ingest_dropped_total",
                "Audio messages thrown away by a limit or a full queue.",
                counter(&ingest.dropped),
            ),
            (
                "reframe_ingest_bad_messages_total",
                "Messages that could not be understood.",
                counter(&ingest.bad_messages),
            ),
        ] {
            text.family(name, Kind::Counter, help);
            text.sample(name, &[], value);
        }
    }
}
