//! The two telephone codecs of ITU-T G.711: mu-law and A-law bytes to 16-bit samples.

/// One mu-law byte (PCMU, RTP payload type 0) as a 16-bit sample.
#[must_use]
pub const fn mulaw(byte: u8) -> i16 {
    // G.711 table 2a: bits are sent inverted; 0x84 is the bias of 33 on the 14-bit scale, shifted to 16 bits.
    const BIAS: i16 = 0x84;
    let bits = !byte;
    let exponent = (bits >> 4) & 0x07;
    let mantissa = (bits & 0x0f) as i16;
    let magnitude = (((mantissa << 3) + BIAS) << exponent) - BIAS;
    if bits & 0x80 == 0 { magnitude } else { -magnitude }
}

/// One A-law byte (PCMA, RTP payload type 8) as a 16-bit sample.
#[must_use]
pub const fn alaw(byte: u8) -> i16 {
    // G.711 table 1a: every second bit is sent inverted.
    let bits = byte ^ 0x55;
    let exponent = (bits >> 4) & 0x07;
    let mantissa = (bits & 0x0f) as i16;
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        e => ((mantissa << 4) + 0x108) << (e - 1),
    };
    if bits & 0x80 == 0 { -magnitude } else { magnitude }
}

const fn table(alaw_codec: bool) -> [f32; 256] {
    let mut out = [0.0; 256];
    let mut byte = 0;
    while byte < 256 {
        let sample = if alaw_codec { alaw(byte as u8) } else { mulaw(byte as u8) };
        out[byte] = sample as f32 / 32_768.0;
        byte += 1;
    }
    out
}

/// Every mu-law byte as a sample in -1..1.
pub static MULAW: [f32; 256] = table(false);
/// Every A-law byte as a sample in -1..1.
pub static ALAW: [f32; 256] = table(true);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mulaw_knows_the_corners() {
        for (byte, sample) in
            [(0xff, 0), (0x7f, 0), (0x80, 32_124), (0x00, -32_124), (0xfe, 8), (0x7e, -8), (0xef, 132), (0xdf, 396)]
        {
            assert_eq!(mulaw(byte), sample, "byte {byte:#x}");
        }
    }

    #[test]
    fn alaw_knows_the_corners() {
        for (byte, sample) in [(0xd5, 8), (0x55, -8), (0xaa, 32_256), (0x2a, -32_256), (0xc5, 264)] {
            assert_eq!(alaw(byte), sample, "byte {byte:#x}");
        }
    }

    #[test]
    fn both_rise_with_the_level() {
        for step in 0..127u8 {
            assert!(mulaw(0x80 + step) > mulaw(0x81 + step));
        }
        let mut levels: Vec<i16> = (0..=255u8).map(alaw).collect();
        levels.sort_unstable();
        levels.dedup();
        assert_eq!(levels.len(), 256, "A-law has no two bytes for one level");
    }
}
