//! The stores of this crate.

#[cfg(feature = "etcd")]
mod etcd;
#[cfg(unix)]
mod file;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "etcd", feature = "postgres"))]
mod tls;

#[cfg(feature = "etcd")]
pub use etcd::EtcdStore;
#[cfg(unix)]
pub use file::FileStore;
pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
