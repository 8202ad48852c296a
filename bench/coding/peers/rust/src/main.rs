//! reed-solomon-simd as a peer of bench_coding; bench/coding/peers/README.md has the requests.
//!
//! Encoders and decoders live on between rounds: their memory is touched before it is timed.
//! Without `stripe=BYTES` the library is called once for a block and its results are read in place.
//! With it, it is called for that many bytes of every row at a time and its results are copied to
//! where they belong: it has no stripes of its own, and may gain more from the cache than the copies
//! cost.
use reed_solomon_simd::{ReedSolomonDecoder, ReedSolomonEncoder};
use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::time::Instant;

const NAME: &str = "reed-solomon-simd 3.1.0";
type Answer = Result<(f64, usize, bool), Box<dyn std::error::Error>>;

struct Code {
    k: usize,
    m: usize,
    size: usize,
    data: Vec<u8>,   // row after row
    parity: Vec<u8>, // checked: it gave back all of the data by itself
    out: Vec<u8>,    // where stripes of results are copied to
    encoder: ReedSolomonEncoder,
    decoder: ReedSolomonDecoder,
}

/// SplitMix64: any content will do, as long as it is not zero.
fn fill(bytes: &mut [u8]) {
    let mut state = 1u64;
    for word in bytes.chunks_exact_mut(8) {
        state = state.wrapping_add(0x9e3779b97f4a7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d049bb133111eb);
        word.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes());
    }
}

impl Code {
    fn new(k: usize, m: usize, size: usize) -> Result<Code, Box<dyn std::error::Error>> {
        let mut data = vec![0; k * size];
        fill(&mut data);
        let mut code = Code {
            k,
            m,
            size,
            data,
            parity: vec![1; m * size],
            out: vec![1; k.max(m) * size],
            encoder: ReedSolomonEncoder::new(k, m, size)?,
            decoder: ReedSolomonDecoder::new(k, m, size)?,
        };
        for row in code.data.chunks_exact(size) {
            code.encoder.add_original_shard(row)?;
        }
        for (i, row) in code.encoder.encode()?.recovery_iter().enumerate() {
            code.parity[i * size..(i + 1) * size].copy_from_slice(row);
        }
        let mut lost = vec![false; k + m];
        lost[..k].fill(true);
        match code.decode(&lost, size)?.2 {
            true => Ok(code),
            false => Err("parity alone does not give the data back".into()),
        }
    }

    fn encode(&mut self, stripe: usize) -> Answer {
        let (k, m, size) = (self.k, self.m, self.size);
        self.encoder.reset(k, m, stripe)?;
        let begin = Instant::now();
        for at in (0..size).step_by(stripe) {
            for row in self.data.chunks_exact(size) {
                self.encoder.add_original_shard(&row[at..at + stripe])?;
            }
            let result = self.encoder.encode()?;
            if stripe == size {
                let ms = begin.elapsed().as_secs_f64() * 1e3;
                return Ok((ms, k * size, result.recovery_iter().eq(self.parity.chunks(size))));
            }
            for (row, part) in self.out.chunks_exact_mut(size).zip(result.recovery_iter()) {
                row[at..at + stripe].copy_from_slice(part);
            }
        }
        let ms = begin.elapsed().as_secs_f64() * 1e3;
        Ok((ms, k * size, self.out[..m * size] == self.parity))
    }

    /// Of the parity that is left, as many rows are given as data rows are lost.
    fn decode(&mut self, lost: &[bool], stripe: usize) -> Answer {
        let (k, m, size) = (self.k, self.m, self.size);
        let missing: Vec<usize> = (0..k).filter(|i| lost[*i]).collect();
        let given: Vec<usize> = (0..m).filter(|i| !lost[k + i]).take(missing.len()).collect();
        let row = |i: usize| i * size..(i + 1) * size;
        self.decoder.reset(k, m, stripe)?;
        let begin = Instant::now();
        for at in (0..size).step_by(stripe) {
            let part = |i: usize| i * size + at..i * size + at + stripe;
            for i in (0..k).filter(|i| !lost[*i]) {
                self.decoder.add_original_shard(i, &self.data[part(i)])?;
            }
            for i in &given {
                self.decoder.add_recovery_shard(*i, &self.parity[part(*i)])?;
            }
            let restored = self.decoder.decode()?;
            if stripe == size {
                let ms = begin.elapsed().as_secs_f64() * 1e3;
                let same = |i: &usize| restored.restored_original(*i) == Some(&self.data[row(*i)]);
                return Ok((ms, k * size, missing.iter().all(same)));
            }
            for (i, bytes) in restored.restored_original_iter() {
                self.out[part(i)].copy_from_slice(bytes);
            }
        }
        let ms = begin.elapsed().as_secs_f64() * 1e3;
        Ok((ms, k * size, missing.iter().all(|i| self.out[row(*i)] == self.data[row(*i)])))
    }
}

fn answer(codes: &mut HashMap<(usize, usize, usize), Code>, words: &[&str]) -> Answer {
    if words.len() < 4 {
        return Err("expected: encode|decode K M SIZE [stripe=BYTES] [LOST ...]".into());
    }
    let number = |i: usize| words[i].parse::<usize>();
    let shape = (number(1)?, number(2)?, number(3)?);
    if !codes.contains_key(&shape) {
        codes.insert(shape, Code::new(shape.0, shape.1, shape.2)?);
    }
    let code = codes.get_mut(&shape).ok_or("no code")?;
    let mut stripe = shape.2;
    let mut lost = vec![false; shape.0 + shape.1];
    for word in &words[4..] {
        match word.strip_prefix("stripe=") {
            Some(bytes) => stripe = bytes.parse()?,
            None => *lost.get_mut(word.parse::<usize>()?).ok_or("a lost row is outside")? = true,
        }
    }
    if stripe == 0 || shape.2 % stripe != 0 {
        return Err("rows are no multiple of stripes".into());
    }
    match words[0] {
        "encode" => code.encode(stripe),
        "decode" => code.decode(&lost, stripe),
        _ => Err("not a measure of this peer".into()),
    }
}

fn main() -> io::Result<()> {
    let mut codes = HashMap::new();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let measure = words.iter().take(4).copied().collect::<Vec<_>>().join(" ");
        match answer(&mut codes, &words) {
            Ok((ms, bytes, check)) => println!(
                r#"{{"peer":"{NAME}","measure":"{measure}","ms":{ms},"bytes":{bytes},"check":{check}}}"#
            ),
            Err(e) => println!(r#"{{"peer":"{NAME}","measure":"{measure}","error":"{e}"}}"#),
        }
        io::stdout().flush()?;
    }
    Ok(())
}
