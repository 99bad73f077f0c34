/** Sorting and filtering of the certificates' table. Without it the page shows everything, soonest expiry first. */
export const SCRIPT = `
const table=document.getElementById('certificates'),body=table.tBodies[0],rows=[...body.rows];
const text=document.getElementById('filter'),status=document.getElementById('status'),count=document.getElementById('count');
document.querySelector('.tools').hidden=false;
function show(){const words=text.value.toLowerCase().split(/\\s+/).filter(Boolean);let n=0;
for(const row of rows){const hay=row.textContent.toLowerCase();
row.hidden=(status.value!==''&&row.dataset.status!==status.value&&row.dataset.use!==status.value)||!words.every(w=>hay.includes(w));if(!row.hidden)n++}
count.textContent=n+' of '+rows.length+' certificates'}
text.addEventListener('input',show);status.addEventListener('change',show);show();
for(const head of table.tHead.rows[0].cells){const button=document.createElement('button');button.type='button';button.textContent=head.textContent;head.replaceChildren(button);
button.addEventListener('click',()=>{const up=head.getAttribute('aria-sort')!=='ascending';
for(const other of table.tHead.rows[0].cells)other.removeAttribute('aria-sort');
head.setAttribute('aria-sort',up?'ascending':'descending');
const key=row=>{const cell=row.cells[head.cellIndex];return cell.dataset.key??cell.textContent};
rows.sort((a,b)=>(up?1:-1)*key(a).localeCompare(key(b),'en',{numeric:true}));body.append(...rows)})}
`;
