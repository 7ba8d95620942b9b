//! The formats, behind one trait.

use std::error::Error;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A format that writes one value into bytes, and reads it back.
pub(crate) trait Format {
    const NAME: &'static str;

    /// `true` if the bytes carry types. Without types, the reader must know what was written.
    const IS_SELF_DESCRIBING: bool = true;

    /// `true` if a reader can ask for the type in the bytes (`deserialize_any`).
    const HAS_ANY: bool = true;

    fn write<T: Serialize>(value: &T) -> Result<Vec<u8>>;

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T>;
}

/// JSON, with serde_json's feature `arbitrary_precision`.
pub(crate) struct Json;

impl Format for Json {
    const NAME: &'static str = "JSON";

    fn write<T: Serialize>(value: &T) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(value)?)
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
        Ok(serde_json::from_slice(bytes)?)
    }
}

/// The tree of serde_json, which has an implementation of its own.
pub(crate) struct JsonValue;

impl Format for JsonValue {
    const NAME: &'static str = "`serde_json::Value`";

    fn write<T: Serialize>(value: &T) -> Result<Vec<u8>> {
        Ok(serde_json::to_value(value)?.to_string().into_bytes())
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
        Ok(serde_json::from_value(serde_json::from_slice(bytes)?)?)
    }
}

pub(crate) struct Toml;

impl Format for Toml {
    const NAME: &'static str = "TOML";

    fn write<T: Serialize>(value: &T) -> Result<Vec<u8>> {
        Ok(toml::to_string(value)?.into_bytes())
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
        Ok(toml::from_str(str::from_utf8(bytes)?)?)
    }
}

pub(crate) struct YamlNorway;

impl Format for YamlNorway {
    const NAME: &'static str = "YAML (serde_norway)";

    fn write<T: Serialize>(value: &T) -> Result<Vec<u8>> {
        Ok(serde_norway::to_string(value)?.into_bytes())
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
        Ok(serde_norway::from_slice(bytes)?)
    }
}

pub(crate) struct YamlSaphyr;

impl Format for YamlSaphyr {
    const NAME: &'static str = "YAML (serde-saphyr)";

    fn write<T: Serialize>(value: &T) -> Result<Vec<u8>> {
        Ok(serde_saphyr::to_string(value)?.into_bytes())
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
        Ok(serde_saphyr::from_str(str::from_utf8(bytes)?)?)
    }
}

pub(crate) struct XmlQuick;

impl Format for XmlQuick {
    const NAME: &'static str = "XML (quick-xml)";

    fn write<T: Serialize>(value: &T) -> Result<Vec<u8>> {
        Ok(quick_xml::se::to_string_with_root("root", value)?.into_bytes())
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
        Ok(quick_xml::de::from_str(str::from_utf8(bytes)?)?)
    }
}

pub(crate) struct XmlSerde;

impl Format for XmlSerde {
    const NAME: &'static str = "XML (serde-xml-rs)";
    const HAS_ANY: bool = false;

    fn write<T: Serialize>(value: &T) -> Result<Vec<u8>> {
        Ok(serde_xml_rs::to_string(value)?.into_bytes())
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
        Ok(serde_xml_rs::from_str(str::from_utf8(bytes)?)?)
    }
}

pub(crate) struct Csv;

impl Format for Csv {
    const NAME: &'static str = "CSV";

    fn write<T: Serialize>(value: &T) -> Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.serialize(value)?;
        Ok(writer.into_inner()?)
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
        let mut reader = csv::Reader::from_reader(bytes);
        Ok(reader.deserialize().next().ok_or("no record")??)
    }
}

pub(crate) struct UrlEncoded;

impl Format for UrlEncoded {
    const NAME: &'static str = "URL-encoded";

    fn write<T: Serialize>(value: &T) -> Result<Vec<u8>> {
        Ok(serde_urlencoded::to_string(value)?.into_bytes())
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
        Ok(serde_urlencoded::from_bytes(bytes)?)
    }
}

pub(crate) struct Postcard;

impl Format for Postcard {
    const NAME: &'static str = "postcard";
    const IS_SELF_DESCRIBING: bool = false;

    fn write<T: Serialize>(value: &T) -> Result<Vec<u8>> {
        Ok(postcard::to_allocvec(value)?)
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
        Ok(postcard::from_bytes(bytes)?)
    }
}

pub(crate) struct MessagePack;

impl Format for MessagePack {
    const NAME: &'static str = "MessagePack";

    fn write<T: Serialize>(value: &T) -> Result<Vec<u8>> {
        Ok(rmp_serde::to_vec_named(value)?)
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
        Ok(rmp_serde::from_slice(bytes)?)
    }
}

pub(crate) struct Cbor;

impl Format for Cbor {
    const NAME: &'static str = "CBOR";

    fn write<T: Serialize>(value: &T) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        ciborium::into_writer(value, &mut bytes)?;
        Ok(bytes)
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
        Ok(ciborium::from_reader(bytes)?)
    }
}

pub(crate) struct Bson;

impl Format for Bson {
    const NAME: &'static str = "BSON";

    fn write<T: Serialize>(value: &T) -> Result<Vec<u8>> {
        Ok(bson::serialize_to_vec(value)?)
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
        Ok(bson::deserialize_from_slice(bytes)?)
    }
}
