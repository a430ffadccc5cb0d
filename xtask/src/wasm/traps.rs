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
    let trapping: HashSet<FunctionId> =
        module.funcs.iter_local().filter(|(_, function)| never_returns(function)).map(|(id, _)| id).collect();
    for (id, function) in module.funcs.iter_local_mut() {
        let entry = function.entry_block();
        for seq in sequences(function) {
            let instructions = &mut function.block_mut(seq).instrs;
            let call = instructions
                .iter()
                .position(|(instr, _)| matches!(instr, Instr::Call(call) if trapping.contains(&call.func)));
            if let Some(call) = call {
                instructions.truncate(call + 1);
                instructions[call].0 = Instr::Unreachable(ir::Unreachable {});
            }
            if trapping.contains(&id) && seq == entry {
                instructions.clear();
                instructions.push((Instr::Unreachable(ir::Unreachable {}), Default::default()));
            }
            drop_what_leads_to_traps(instructions);
        }
    }
    walrus::passes::gc::run(module);
    empty_formatters(module);
}

/// Where nothing formats any more, the formatters of numbers stay only because the table of functions holds them.
fn empty_formatters(module: &mut Module) {
    let formatters: HashSet<FunctionId> =
        module.funcs.iter().filter(|function| is_named(function, "4core3fmt")).map(|function| function.id()).collect();
    let formats = |function: &walrus::Function| {
        FORMATTING.iter().any(|name| is_named(function, name))
            || (!formatters.contains(&function.id()) && calls_any(function, &formatters))
    };
    if module.funcs.iter().any(formats) {
        return;
    }
    for function in module.funcs.iter_mut().filter(|function| is_named(function, "7Display3fmt")) {
        if let (true, walrus::FunctionKind::Local(local)) = (formatters.contains(&function.id()), &mut function.kind) {
            let entry = local.entry_block();
            local.block_mut(entry).instrs = vec![(Instr::Unreachable(ir::Unreachable {}), Default::default())];
        }
    }
    walrus::passes::gc::run(module);
}

/// Parts of the names of what calls formatters through the table.
const FORMATTING: [&str; 3] = ["3fmt5write", "9write_fmt", "12format_inner"];

fn is_named(function: &walrus::Function, part: &str) -> bool {
    function.name.as_ref().is_some_and(|name| name.contains(part))
}

fn calls_any(function: &walrus::Function, some: &HashSet<FunctionId>) -> bool {
    struct Calls<'s>(&'s HashSet<FunctionId>, bool);
    impl<'i> Visitor<'i> for Calls<'_> {
        fn visit_call(&mut self, call: &ir::Call) {
            self.1 |= self.0.contains(&call.func);
        }
    }
    let walrus::FunctionKind::Local(local) = &function.kind else { return false };
    let mut calls = Calls(some, false);
    dfs_in_order(&mut calls, local, local.entry_block());
    calls.1
}

/// Whether a function ends in a trap wherever it ends: its last instruction is one, and nothing leaves it earlier. One that
/// never ends counts too: it traps then, and costs its caller an instance rather than a deadline.
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
    fn visit_instr(&mut self, instr: &'i Instr, _: &'i ir::InstrLocId) {
        self.found |= match instr {
            Instr::Br(branch) => branch.block == self.entry,
            Instr::BrIf(branch) => branch.block == self.entry,
            Instr::BrTable(branch) => branch.default == self.entry || branch.blocks.contains(&self.entry),
            // All but the first are features that the finished module may not have.
            Instr::Return(_)
            | Instr::ReturnCall(_)
            | Instr::ReturnCallIndirect(_)
            | Instr::ReturnCallRef(_)
            | Instr::BrOnNull(_)
            | Instr::BrOnNonNull(_)
            | Instr::BrOnCast(_)
            | Instr::BrOnCastFail(_)
            | Instr::Throw(_)
            | Instr::ThrowRef(_)
            | Instr::Try(_)
            | Instr::TryTable(_) => true,
            _ => false,
        };
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
    use walrus::{FunctionBuilder, LocalId, ValType};

    /// What is left of `i32 -> i32`, exported, that some instructions make up, and of a function that can only trap:
    /// how many functions, and its traps, returns and all its instructions.
    fn left_of(body: impl FnOnce(&mut FunctionBuilder, FunctionId, LocalId)) -> (usize, [usize; 3]) {
        let mut module = Module::default();
        let helper = FunctionBuilder::new(&mut module.types, &[], &[]).finish(vec![], &mut module.funcs);
        let mut panics = FunctionBuilder::new(&mut module.types, &[ValType::I32], &[]);
        panics.func_body().call(helper).unreachable();
        let argument = module.locals.add(ValType::I32);
        let panics = panics.finish(vec![argument], &mut module.funcs);
        let mut builder = FunctionBuilder::new(&mut module.types, &[ValType::I32], &[ValType::I32]);
        let given = module.locals.add(ValType::I32);
        body(&mut builder, panics, given);
        let exported = builder.finish(vec![given], &mut module.funcs);
        module.exports.add("exported", exported);
        shorten(&mut module);
        let mut counts = Counts([0; 3]);
        let local = module.funcs.get(exported).kind.unwrap_local();
        dfs_in_order(&mut counts, local, local.entry_block());
        let functions = module.funcs.iter().count();
        wasmparser::Validator::new().validate_all(&module.emit_wasm()).unwrap();
        (functions, counts.0)
    }

    struct Counts([usize; 3]);

    impl<'i> Visitor<'i> for Counts {
        fn visit_instr(&mut self, instr: &'i Instr, _: &'i ir::InstrLocId) {
            self.0[0] += usize::from(matches!(instr, Instr::Unreachable(_)));
            self.0[1] += usize::from(matches!(instr, Instr::Return(_)));
            self.0[2] += 1;
        }
    }

    #[test]
    fn what_can_only_trap_is_the_trap_and_the_rest_stays() {
        let left = left_of(|builder, panics, given| {
            builder.func_body().local_get(given).if_else(
                None,
                |then| {
                    then.i32_const(7).return_();
                },
                |otherwise| {
                    otherwise.i32_const(1).i32_const(2).drop().call(panics);
                },
            );
            builder.func_body().local_get(given).drop().unreachable();
        });
        // get, if, const, return, trap, trap: the arguments are gone, and the function that traps with its helper.
        assert_eq!(left, (1, [2, 1, 6]));
    }

    #[test]
    fn what_may_leave_by_a_branch_is_kept_and_what_has_an_effect_stays_before_a_trap() {
        let left = left_of(|builder, panics, given| {
            let entry = builder.func_body_id();
            builder.func_body().block(ValType::I32, |inner| {
                inner.i32_const(3).local_get(given).br_if(entry).local_get(given).call(panics).i32_const(4);
            });
            builder.func_body().unreachable();
        });
        assert_eq!(left, (1, [2, 0, 6]), "block, const, get, br_if, trap; trap");
    }
}
