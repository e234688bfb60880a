//! stub
#![allow(missing_docs)]
use crate::domain::{message::*, values::*, digest::*};
#[derive(Debug)] pub struct Renderer; #[derive(Debug,Clone)] pub struct Links; #[derive(Debug,Clone)] pub struct Brand;
impl Renderer { pub fn digest(&self,_d:&Digest,_c:Channel,_l:&Links,_b:&Brand)->Result<Message,std::fmt::Error>{todo!()} pub fn nudge(&self,_d:&Nudge,_c:Channel,_l:&Links,_b:&Brand)->Result<Message,std::fmt::Error>{todo!()}
pub fn customer_reminder(&self,_d:&Nudge,_l:&Links,_b:&Brand)->Result<Message,std::fmt::Error>{todo!()} }
