//! What can only end in a trap is made the trap itself.
//!
//! The module's panic handler is one instruction, and whoever calls throws a trapped instance away. The standard library
//! nevertheless puts a message together on the way there: the formatter, the places in the source, the arguments at
//! each call. None of it can ever be seen, so it is taken out.

use std::collections::HashSet;
use walrus::ir::{self, Instr, InstrSeqId, Visitor, dfs_in_order};
use walrus::{FunctionId, LocalFunction, Module};

/// Replaces functions that never return by one `unreachable`, and so each call of one with all that only led to it.
pub(super) fn shorten(module: &mut Module) {
    let endless: HashSet<FunctionId> =
        module.funcs.iter_local().filter(|(_, function)| never_returns(function)).map(|(id, _)| id).collect();
    for (id, function) in module.funcs.iter_local_mut() {
        let entry = function.entry_block();
        for seq in sequences(function) {
            let instructions = &mut function.block_mut(seq).instrs;
            let call = instructions
                .iter()
                .position(|(instr, _)| matches!(instr, Instr::Call(call) if endless.contains(&call.func)));
            if let Some(call) = call {
                instructions.truncate(call + 1);
                instructions[call].0 = Instr::Unreachable(ir::Unreachable {});
            }
            if endless.contains(&id) && seq == entry {
                instructions.clear();
                instructions.push((Instr::Unreachable(ir::Unreachable {}), Default::default()));
            }
            drop_what_leads_to_traps(instructions);
        }
    }
    walrus::passes::gc::run(module);
    empty_formatters(module);
}

/// Nothing formats any more; the formatters of numbers stay only because the table of functions holds them.
fn empty_formatters(module: &mut Module) {
    let is_of = |name: &Option<String>, part: &str| name.as_ref().is_some_and(|name| name.contains(part));
    if module.funcs.iter().any(|function| is_of(&function.name, "4core3fmt5write")) {
        return;
    }
    for function in module.funcs.iter_mut().filter(|function| is_of(&function.name, "7Display3fmt")) {
        if let walrus::FunctionKind::Local(function) = &mut function.kind {
            let entry = function.entry_block();
            function.block_mut(entry).instrs = vec![(Instr::Unreachable(ir::Unreachable {}), Default::default())];
        }
    }
    walrus::passes::gc::run(module);
}

/// Whether a function ends in a trap wherever it ends: its last instruction is one, and nothing leaves it earlier.
fn never_returns(function: &LocalFunction) -> bool {
    let entry = function.entry_block();
    let is_trap = |instr: Option<&(Instr, _)>| matches!(instr, Some((Instr::Unreachable(_), _)));
    let mut exits = Exits { entry, found: false };
    dfs_in_order(&mut exits, function, entry);
    is_trap(function.block(entry).instrs.last()) && !exits.found
}

/// Looks for what leaves a function without trapping.
struct Exits {
    entry: InstrSeqId,
    found: bool,
}

impl<'i> Visitor<'i> for Exits {
    fn visit_return(&mut self, _: &ir::Return) {
        self.found = true;
    }

    fn visit_br(&mut self, branch: &ir::Br) {
        self.found |= branch.block == self.entry;
    }

    fn visit_br_if(&mut self, branch: &ir::BrIf) {
        self.found |= branch.block == self.entry;
    }

    fn visit_br_table(&mut self, branch: &ir::BrTable) {
        self.found |= branch.default == self.entry || branch.blocks.contains(&self.entry);
    }
}

/// Every sequence of instructions of a function.
fn sequences(function: &LocalFunction) -> Vec<InstrSeqId> {
    struct Found(Vec<InstrSeqId>);
    impl<'i> Visitor<'i> for Found {
        fn start_instr_seq(&mut self, seq: &'i ir::InstrSeq) {
            self.0.push(seq.id());
        }
    }
    let mut found = Found(Vec::new());
    dfs_in_order(&mut found, function, function.entry_block());
    found.0
}

/// Takes out the instructions before a trap, back to the last that may go elsewhere: values, variables and memory of an
/// instance that traps are never looked at again.
fn drop_what_leads_to_traps(instructions: &mut Vec<(Instr, ir::InstrLocId)>) {
    let Some(trap) = instructions.iter().position(|(instr, _)| matches!(instr, Instr::Unreachable(_))) else { return };
    instructions.truncate(trap + 1);
    let is_idle = |instr: &Instr| {
        matches!(
            instr,
            Instr::LocalGet(_)
                | Instr::LocalSet(_)
                | Instr::LocalTee(_)
                | Instr::GlobalGet(_)
                | Instr::GlobalSet(_)
                | Instr::Const(_)
                | Instr::Binop(_)
                | Instr::Unop(_)
                | Instr::Select(_)
                | Instr::Drop(_)
                | Instr::Load(_)
                | Instr::Store(_)
        )
    };
    let first = instructions[..trap].iter().rposition(|(instr, _)| !is_idle(instr)).map_or(0, |last| last + 1);
    instructions.drain(first..trap);
}

#[cfg(test)]
mod tests {
    use super::*;
    use walrus::{FunctionBuilder, ValType};

    #[test]
    fn what_can_only_trap_is_the_trap_and_the_rest_stays() {
        let mut module = Module::default();
        let helper = FunctionBuilder::new(&mut module.types, &[], &[]).finish(vec![], &mut module.funcs);
        // Calls a helper and traps: nothing of it can be seen.
        let mut panics = FunctionBuilder::new(&mut module.types, &[ValType::I32], &[]);
        panics.func_body().call(helper).unreachable();
        let argument = module.locals.add(ValType::I32);
        let panics = panics.finish(vec![argument], &mut module.funcs);
        // Traps only where it did not return before.
        let mut returns = FunctionBuilder::new(&mut module.types, &[ValType::I32], &[ValType::I32]);
        let given = module.locals.add(ValType::I32);
        returns.func_body().local_get(given).local_get(given).if_else(
            None,
            |then| {
                then.i32_const(7).return_();
            },
            |otherwise| {
                otherwise.i32_const(1).i32_const(2).drop().call(panics);
            },
        );
        returns.func_body().drop().unreachable();
        let returns = returns.finish(vec![given], &mut module.funcs);
        module.exports.add("returns", returns);
        shorten(&mut module);
        assert_eq!(module.funcs.iter().count(), 1, "the function that only traps, and what only it called, are gone");
        let returns = module.funcs.get(returns).kind.unwrap_local();
        let mut traps = Traps(0, 0);
        dfs_in_order(&mut traps, returns, returns.entry_block());
        assert_eq!((traps.0, traps.1), (2, 1), "two traps and one return");
    }

    struct Traps(usize, usize);

    impl<'i> Visitor<'i> for Traps {
        fn visit_unreachable(&mut self, _: &ir::Unreachable) {
            self.0 += 1;
        }

        fn visit_return(&mut self, _: &ir::Return) {
            self.1 += 1;
        }
    }
}
