//! Integration tests of the training: readers, counts, identity of model files, the command line.

mod aim;
mod bad_input;
mod command_line;
mod counting;
mod datasets;
mod evaluating;
mod fitting;
mod gates;
mod readers;
mod segments;
mod shop;
