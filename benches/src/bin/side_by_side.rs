//! Native, wasmtime and Node on the same request in turn, so that their ratios come from one run on one machine.

use clap::Parser;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;
use unisono_benches::{Subject, fitted_subject, host, module_path, synthetic_subject};
use unisono_core::{Model, Policy, recommend};

/// Measures `recommend` natively, in wasmtime and in Node, in turn.
#[derive(Parser)]
struct Arguments {
    /// A fitted model.
    #[arg(long, requires = "requests")]
    model: Option<PathBuf>,
    /// Requests, JSON Lines or the file of `unisono-models sample`; the one of median length is answered.
    #[arg(long)]
    requests: Option<PathBuf>,
    /// Sizes of synthetic models, in items.
    #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000")]
    synthetic: Vec<usize>,
    /// Rounds; a figure is the median over them.
    #[arg(long, default_value_t = 41)]
    rounds: usize,
    /// Calls in a round.
    #[arg(long, default_value_t = 50)]
    calls: usize,
}

fn main() {
    let arguments = Arguments::parse();
    println!("| subject | native µs | wasmtime µs | wasmtime / native | Node µs | Node / native |");
    println!("|---|---|---|---|---|---|");
    let mut wasmtime = Vec::new();
    if let (Some(model), Some(requests)) = (&arguments.model, &arguments.requests) {
        measure(&fitted_subject(model, requests), &arguments);
    }
    for items in &arguments.synthetic {
        wasmtime.push((*items, measure(&synthetic_subject(*items), &arguments)));
    }
    if let (Some((small, first)), Some((large, last))) = (wasmtime.first(), wasmtime.last()) {
        println!("\nwasmtime, {large} items against {small}: {:.2}", last / first);
    }
}

/// Prints a row; gives wasmtime's median, in µs a call.
fn measure(subject: &Subject, arguments: &Arguments) -> f64 {
    let model = Model::load(&subject.model).expect("a sound model");
    let host = host(&subject.model);
    let mut node = Node::start(subject);
    let answer = recommend(&model, &Policy::default(), &subject.request);
    assert_eq!(answer, host.decide(&subject.request).expect("an answer"), "wasmtime answers other bytes");
    assert_eq!(node.digest, unisono_host::sha256_hex(&answer), "Node answers other bytes");
    let mut native: Vec<f64> = Vec::new();
    let (mut in_wasmtime, mut in_node) = (Vec::new(), Vec::new());
    // The first rounds warm caches and V8's optimising compiler.
    for round in 0..arguments.rounds + 5 {
        let (n, w, v) = (
            timed(arguments.calls, || drop(recommend(&model, &Policy::default(), &subject.request))),
            timed(arguments.calls, || drop(host.decide(&subject.request))),
            node.round(arguments.calls),
        );
        if round >= 5 {
            native.push(n);
            in_wasmtime.push(w);
            in_node.push(v);
        }
    }
    let (to_wasmtime, to_node) = (ratio(&in_wasmtime, &native), ratio(&in_node, &native));
    let (n, w, v) = (median(native), median(in_wasmtime), median(in_node));
    println!("| {} | {n:.0} | {w:.0} | {to_wasmtime:.2} | {v:.0} | {to_node:.2} |", subject.name);
    w
}

/// µs a call.
fn timed(calls: usize, mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..calls).for_each(|_| call());
    start.elapsed().as_secs_f64() * 1e6 / calls as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The median over rounds of the ratio within a round.
fn ratio(of: &[f64], to: &[f64]) -> f64 {
    median(of.iter().zip(to).map(|(of, to)| of / to).collect())
}

struct Node {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    digest: String,
}

impl Node {
    fn start(subject: &Subject) -> Self {
        let folder = std::env::temp_dir().join(format!("unisono-benches-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let (model, request) = (folder.join("model.unisono"), folder.join("request.msgpack"));
        std::fs::write(&model, &subject.model).expect("room for the model");
        std::fs::write(&request, &subject.request).expect("room for the request");
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("node/recommend.mjs");
        let module = module_path();
        let package = module.parent().expect("the module lies in the package");
        let mut child = Command::new("node")
            .args([script.as_path(), package, &model, &request])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is on the path");
        let stdin = child.stdin.take().expect("piped");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let digest = line(&mut stdout);
        std::fs::remove_dir_all(&folder).expect("the folder is ours");
        Node { child, stdin, stdout, digest }
    }

    fn round(&mut self, calls: usize) -> f64 {
        writeln!(self.stdin, "{calls}").expect("node listens");
        let nanoseconds: f64 = line(&mut self.stdout).parse().expect("node answers with a number");
        nanoseconds / 1e3 / calls as f64
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The child ends with its input; killing it is for the case that it hangs.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn line(from: &mut impl BufRead) -> String {
    let mut text = String::new();
    from.read_line(&mut text).expect("node answers");
    text.trim().to_owned()
}
