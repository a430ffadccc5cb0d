//! The one form of each kind of key, or what is wrong with it, in words that repeat nothing of it.

type Normal = Result<String, &'static str>;

/// Lower case. Only ASCII: letters that look alike have several forms elsewhere, and one customer would become two.
pub(super) fn email(key: &str) -> Normal {
    let (local, domain) = key.rsplit_once('@').ok_or("an e-mail address has an `@`")?;
    if !key.is_ascii() {
        return Err("write an e-mail address in ASCII, the domain in its `xn--` form");
    }
    let is_atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let atoms = |part: &str| part.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom));
    if local.len() > 64 || !atoms(local) {
        return Err("what stands before the `@` is no local part of an address");
    }
    let is_label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    if domain.len() > 253 || !domain.contains('.') || !domain.split('.').all(is_label) {
        return Err("what stands after the `@` is no domain");
    }
    Ok(key.to_ascii_lowercase())
}

#[cfg(feature = "phone")]
fn country(code: &str) -> Result<phonenumber::country::Id, &'static str> {
    code.to_ascii_uppercase().parse().map_err(|_| "the region is no ISO 3166 code, as `BR`")
}

/// Whether numbers without `+` can be read as dialled in this region.
#[cfg(feature = "phone")]
pub(super) fn check_region(code: &str) -> Result<(), &'static str> {
    country(code).map(|_| ())
}

/// Whether numbers without `+` can be read as dialled in this region.
#[cfg(not(feature = "phone"))]
pub(super) fn check_region(_code: &str) -> Result<(), &'static str> {
    Err("this host was built without the feature `phone`, and knows no regions")
}

/// E.164: `+`, the country's code, the number.
#[cfg(feature = "phone")]
pub(super) fn phone(key: &str, region: Option<&str>) -> Normal {
    let region = region.map(country).transpose()?;
    if region.is_none() && !key.starts_with('+') {
        return Err("without a region a phone number begins with `+` and its country's code");
    }
    let number = phonenumber::parse(region, key).map_err(|_| "it is no phone number")?;
    // E.164 has no place for one, and those behind one switchboard are not one customer.
    if number.extension().is_some() {
        return Err("a number with an extension is nobody's own");
    }
    if !number.is_valid() {
        return Err("no phone has this number");
    }
    Ok(number.format().mode(phonenumber::Mode::E164).to_string())
}

/// E.164: `+`, the country's code, the number. Without the feature `phone` nothing is known of regions and numbering plans.
#[cfg(not(feature = "phone"))]
pub(super) fn phone(key: &str, _region: Option<&str>) -> Normal {
    let digits =
        without(key.strip_prefix('+').ok_or("a phone number begins with `+` and its country's code")?, " -.()/");
    let sound = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !sound || digits.starts_with('0') {
        return Err("a phone number has 7 to 15 digits and does not begin with 0");
    }
    Ok(format!("+{digits}"))
}

/// Upper case, without what people write for their eyes. Leading zeros count.
pub(super) fn customer_number(key: &str) -> Normal {
    let number = without(key, " -./");
    if !(1..=64).contains(&number.len()) || !number.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err("a customer number is 1 to 64 letters and digits");
    }
    Ok(number.to_ascii_uppercase())
}

/// Eleven digits.
pub(super) fn cpf(key: &str) -> Normal {
    let number = without(key, " -.");
    let digits: Vec<u32> = number.chars().filter_map(|letter| letter.to_digit(10)).collect();
    if number.len() != 11 || digits.len() != 11 {
        return Err("a CPF has eleven digits");
    }
    // Eleven equal digits pass the sums, but are nobody's.
    if digits.windows(2).all(|pair| pair.first() == pair.last()) {
        return Err("eleven equal digits are no CPF");
    }
    let check = |length: u32| {
        let weighted = digits.iter().zip((2..=length + 1).rev()).map(|(digit, weight)| digit * weight);
        weighted.sum::<u32>() * 10 % 11 % 10
    };
    if digits.get(9..) != Some(&[check(9), check(10)][..]) {
        return Err("the check digits of the CPF do not fit");
    }
    Ok(number)
}

fn without(text: &str, letters: &str) -> String {
    text.chars().filter(|letter| !letters.contains(*letter)).collect()
}
