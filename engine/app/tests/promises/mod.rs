//! What the workflow promises, each promise under its own name: four tests that tell a workflow from a bundle of features,
//! and five things it is not. All of it goes through the program as people have it: the binary, its server, a folder as
//! system of record, and stand-ins of HubSpot and Gmail. The stage hand-off is in `tests/journey.rs`.

mod landed;
mod team;

mod not_a_cold_email_blaster;
mod not_a_crm_replacement;
mod not_a_dashboard;
mod not_a_disconnected_tool_stack;
mod not_an_autonomous_agent;
mod per_stage_measurement;
mod rep_review_gate;
mod system_of_record_write;
