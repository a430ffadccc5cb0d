//! Redis servers of the tests' own, on ports that were free a moment ago.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A server that appends every write to its log and syncs it before it answers.
pub(crate) struct RedisServer {
    pub(crate) folder: TempDir,
    pub(crate) port: u16,
    cluster: bool,
    child: Option<Child>,
}

impl RedisServer {
    /// A server, or nothing, said loudly, where none is installed.
    pub(crate) fn start() -> Option<Self> {
        Self::start_as(false)
    }

    fn start_as(cluster: bool) -> Option<Self> {
        if !installed() {
            return None;
        }
        let mut server = RedisServer { folder: tempfile::tempdir().unwrap(), port: free_port(), cluster, child: None };
        server.run();
        Some(server)
    }

    /// Three servers that share the keys.
    pub(crate) fn start_cluster() -> Option<[Self; 3]> {
        let servers = [Self::start_as(true)?, Self::start_as(true)?, Self::start_as(true)?];
        let nodes: Vec<String> = servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect();
        let made = Command::new("redis-cli").args(["--cluster", "create"]).args(&nodes).arg("--cluster-yes").output();
        let made = made.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        let started = Instant::now();
        while !servers.iter().all(|server| server.cli(&["cluster", "info"]).contains("cluster_state:ok")) {
            assert!(started.elapsed() < Duration::from_secs(20), "the cluster does not come up");
            sleep(Duration::from_millis(50));
        }
        Some(servers)
    }

    pub(crate) fn run(&mut self) {
        let mut command = Command::new("redis-server");
        command.current_dir(self.folder.path()).args(["--bind", "127.0.0.1", "--port", &self.port.to_string()]);
        command.args(["--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
        if self.cluster {
            command.args(["--cluster-enabled", "yes"]);
        }
        self.child = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(20), "redis-server does not come up");
            sleep(Duration::from_millis(10));
        }
    }

    /// Ends it without a word.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        let port = self.port.to_string();
        let output = Command::new("redis-cli").args(["-h", "127.0.0.1", "-p", &port]).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn installed() -> bool {
    let found = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !found {
        let missing =
            "redis-server is not installed (on Debian as root: apt-get install --no-install-recommends redis-server)";
        assert!(std::env::var_os("UNISONO_REDIS").is_none_or(|value| value != "1"), "{missing}");
        not_made(missing);
    }
    found
}

/// Says past the test harness, which keeps the words of tests that pass to itself, that a check was not made.
pub(crate) fn not_made(why: &str) {
    let _ = writeln!(std::io::stderr(), "NOT CHECKED: {why}");
}

fn free_port() -> u16 {
    // A cluster's servers talk to each other at a port 10,000 higher.
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if port < 55_000 {
            return port;
        }
    }
}
