//! Numbers for the values of a history, so that a checker compares small integers.

use std::collections::BTreeMap;

use super::element::Element;

/// Values, each with a number. Null has number 0; the others are numbered in order of arrival.
#[derive(Debug)]
pub struct Interner {
    numbers: BTreeMap<Element, u32>,
    elements: Vec<Element>,
}

impl Default for Interner {
    fn default() -> Interner {
        let null = Element::null();
        Interner { numbers: BTreeMap::from([(null.clone(), 0)]), elements: vec![null] }
    }
}

impl Interner {
    /// Returns the number of a value. A new value receives a new number.
    pub fn number(&mut self, element: &Element) -> u32 {
        if let Some(&number) = self.numbers.get(element) {
            return number;
        }
        let number = self.elements.len() as u32;
        self.numbers.insert(element.clone(), number);
        self.elements.push(element.clone());
        number
    }

    /// Returns the value of a number, or null if no value has it.
    #[must_use]
    pub fn element(&self, number: u32) -> &Element {
        self.elements.get(number as usize).unwrap_or(&self.elements[0])
    }

    /// Returns all values except null.
    #[must_use]
    pub fn elements(&self) -> &[Element] {
        &self.elements[1..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_one_number_and_null_has_the_first() {
        let mut numbers = Interner::default();
        let seven = numbers.number(&Element::Int(7));
        let text = numbers.number(&Element::parse("\"7\"").unwrap());
        assert_eq!(numbers.number(&Element::null()), 0);
        assert_eq!(numbers.number(&Element::Int(7)), seven);
        assert_ne!(seven, text);
        assert_eq!(numbers.element(text).to_string(), "\"7\"");
        assert_eq!(numbers.elements().len(), 2);
    }
}
