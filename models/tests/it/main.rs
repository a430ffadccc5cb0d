//! Integration tests of the training: readers, counts, identity of model files, the command line.

mod ablating;
mod aim;
mod bad_input;
mod bad_row_limits;
mod channels;
mod command_line;
mod consents;
mod counting;
mod datasets;
mod evaluating;
mod fitting;
mod gates;
mod kit;
mod odd_shops;
mod readers;
mod segments;
mod shop;
mod updating;
