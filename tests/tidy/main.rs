//! The rules of the house that a compiler does not hold.
//!
//! Each test names what it found and what to do. A rule that has to change is changed here, in
//! the same commit as the code that changes it.
#![cfg(test)]
mod alerts;
mod crates;
mod house;
mod pages;
mod sources;
